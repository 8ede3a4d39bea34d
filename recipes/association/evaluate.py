"""Object picking on dev composites, and on classes left out of training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recipes.common.composites.media import Media
from recipes.common.feature_cache import FeatureCache, group_indices
from recipes.common.media_bank import SILENT
from recipes.common.pairwise_choice import encode_windows, render_choice_scenes
from recipes.common.scene_features import VIEWS
from seac.associate.ensemble import (
    AssociationEnsemble,
    AssociationEnsembleSettings,
    fuse,
)
from seac.core.types import AudioFeatures, MaskEmbeddings

SILENT_SHARE = 0.35
"""Share of silent objects among the distractors."""


@dataclass(frozen=True)
class Trial:
    """A scene of object picking: the first mask sounds; ``name`` is the class of this mask and the audio."""

    masks: MaskEmbeddings
    audio: AudioFeatures
    name: str


def build_left_out_trials(cache: FeatureCache, classes: Sequence[str], count: int, seed: int) -> list[Trial]:
    """Build trials of ``classes`` with one or two distractors, some of them silent."""
    rng = np.random.default_rng(seed)
    masks_by_class = group_indices(cache.mask_classes)
    clips_by_class = group_indices(cache.clip_classes)
    trials = []
    for number in range(count):
        name = classes[number % len(classes)]
        masks = [rng.choice(masks_by_class[name])]
        for _ in range(1 + number % 2):
            others = [other for other in classes if other != name]
            distractor = SILENT if rng.random() < SILENT_SHARE else others[rng.integers(len(others))]
            masks.append(rng.choice(masks_by_class[distractor]))
        clip = int(rng.choice(clips_by_class[name]))
        trials.append(Trial(cache.mask_embeddings(masks), cache.audio(clip), name))
    return trials


@torch.no_grad()
def compute_similarities(
    association: AssociationEnsemble, trial: Trial
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Trained cosine, zero-shot cosine and class match of the N masks: (N,) each."""
    trained, zero_shot = association.similarities(trial.masks, trial.audio)
    return (
        trained.mean(dim=-1),
        zero_shot.mean(dim=-1),
        association.class_match(trial.masks, trial.audio),
    )


def compute_accuracies(
    association: AssociationEnsemble, trials: Sequence[Trial], variants: Iterable[AssociationEnsembleSettings]
) -> list[float]:
    """Share of trials in which the sounding mask has the highest similarity, for each of ``variants``."""
    found = [compute_similarities(association, trial) for trial in trials]
    return [
        float(np.mean([int(fuse(*three, settings).argmax()) == 0 for three in found]))
        for settings in variants
    ]


def build_dev_trials(media: Media, count: int = 400) -> list[Trial]:
    """Build trials of held-out media with one or two distractors and exact masks."""
    from seac.associate.embed import embed_masks
    from seac.encoders.audio.yamnet_student import YamnetStudent
    from seac.encoders.vision.efficientnet_lite import EfficientNetLite

    vision, audio_encoder = EfficientNetLite.load(), YamnetStudent.load()
    return [
        Trial(
            embed_masks(scene.image, scene.masks, scene.boxes, vision, VIEWS, exact=False),
            encode_windows(audio_encoder, scene.waveform),
            scene.name,
        )
        for scene in render_choice_scenes(media, count, 0)
    ]
