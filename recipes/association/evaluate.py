"""Object picking: on dev composites, and on kinds that were left out of training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recipes.common.feature_cache import Stock, Tagging, alone, index_of, placed
from recipes.common.media_bank import SILENT
from recipes.common.scene_features import VIEWS
from seac.associate.ensemble import (
    Combined,
    CombinedSettings,
    Reductions,
    cosines,
    joined,
    module_input,
    soft_maximum,
)
from seac.core.types import AudioFeatures, MaskEmbeddings

FOLDS = 4


@dataclass(frozen=True)
class Trial:
    """Masks of a scene, the first of which sounds, and the sound: for the module, among words, and for kinds.

    Attributes:
        masks: (N, p + r). clip: (W, q + r). mask_places: (N, t). window_places: (W, t).
        local: (N, d_m) embeddings of the local view.
        audio: what the audio network said of the sound.
        name: kind of what sounds.
    """

    masks: Tensor
    clip: Tensor
    mask_places: Tensor
    window_places: Tensor
    local: Tensor
    audio: AudioFeatures
    name: str


def folds_of(kinds: Sequence[str], seed: int) -> list[list[str]]:
    """All kinds in FOLDS parts, each left out once."""
    order = torch.randperm(len(kinds), generator=torch.Generator().manual_seed(seed)).tolist()
    return [[kinds[index] for index in order[fold::FOLDS]] for fold in range(FOLDS)]


def left_out(stock: Stock, kinds: Sequence[str], count: int, seed: int) -> list[Trial]:
    """Trials like ``benchmarks.pairwise_choice``'s among untrained kinds: one or two rivals, some mute."""
    draw = np.random.default_rng(seed)
    shown = index_of(stock.mask_kind)
    heard = alone(stock.clip_kinds)
    trials = []
    for number in range(count):
        name = kinds[number % len(kinds)]
        masks = [draw.choice(shown[name])]
        for _ in range(1 + number % 2):
            others = [other for other in kinds if other != name]
            rival = SILENT if draw.random() < 0.35 else others[draw.integers(len(others))]
            masks.append(draw.choice(shown[rival]))
        clip = draw.choice(heard[name])
        trials.append(
            Trial(
                stock.masks[masks],
                stock.clips[clip],
                stock.mask_places[masks],
                stock.window_places[clip],
                stock.local[masks].float(),
                stock.sound(clip),
                name,
            )
        )
    return trials


@torch.no_grad()
def similarities(association: Combined, trial: Trial) -> tuple[Tensor, Tensor, Tensor | None]:
    """What is learnt from pairs, what words say and what kinds say: (N,) each."""
    softness = association.settings.softness
    learnt = cosines(association.modules, trial.masks, trial.clip)
    said = trial.mask_places @ trial.window_places.T
    alike = association.alike(MaskEmbeddings(trial.local, trial.local), trial.audio)
    return soft_maximum(learnt, softness), soft_maximum(said, softness), alike


def accuracies(
    association: Combined, trials: Sequence[Trial], ways: Iterable[CombinedSettings]
) -> list[float]:
    """Share of trials won, with every way's shares."""
    found = [similarities(association, trial) for trial in trials]
    return [
        float(np.mean([int(joined(*three, settings).argmax()) == 0 for three in found])) for settings in ways
    ]


def dev_trials(
    shared: Path, tags: Tagging, made: Reductions, settings: CombinedSettings, count: int = 400
) -> list[Trial]:
    """The scenes of ``benchmarks.pairwise_choice``: dev cut-outs and recordings, never trained on."""
    from benchmarks.pairwise_choice import hear, scenes
    from seac.associate.embed import embed_masks
    from seac.encoders.audio.yamnet_student import Hearing
    from seac.encoders.vision.efficientnet_lite import EfficientNetLite

    vision, hearing = EfficientNetLite.load(), Hearing.load()
    trials = []
    for scene in scenes(count, 0, shared):
        seen = embed_masks(scene.image, scene.masks, scene.boxes, vision, VIEWS, exact=False)
        heard = hear(hearing, scene.waveform)
        assert heard.tags is not None
        places = placed(tags.words.sight, seen.mixed_tags(settings.lam), made.sight_tags, settings)
        heard_places = placed(tags.words.hearing, heard.tags, made.sound_tags, settings)
        trials.append(
            Trial(
                module_input(seen.mixed(settings.lam), places, made, settings, "sight"),
                module_input(heard.embeddings, heard_places, made, settings, "sound"),
                places,
                heard_places,
                seen.local,
                heard,
                scene.name,
            )
        )
    return trials
