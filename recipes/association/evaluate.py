"""Object picking: on dev composites, and on kinds that were left out of training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recipes.common.composites.media import Media
from recipes.common.feature_cache import (
    FeatureCache,
    FrozenClassifiers,
    group_indices,
    project_probabilities,
    single_class_clips,
)
from recipes.common.media_bank import SILENT
from recipes.common.pairwise_choice import encode_windows, render_choice_scenes
from recipes.common.scene_features import VIEWS
from seac.associate.ensemble import (
    AssociationEnsemble,
    AssociationEnsembleSettings,
    PCAProjections,
    build_input,
    cosines,
    fuse,
    log_sum_exp_pool,
)
from seac.core.types import AudioFeatures, MaskEmbeddings


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
    mask_text_embeddings: Tensor
    window_text_embeddings: Tensor
    local: Tensor
    audio: AudioFeatures
    name: str


def build_left_out_trials(cache: FeatureCache, kinds: Sequence[str], count: int, seed: int) -> list[Trial]:
    """Trials like :func:`build_dev_trials`'s among untrained kinds: one or two rivals, some mute."""
    rng = np.random.default_rng(seed)
    masks_by_class = group_indices(cache.mask_class)
    clips_by_class = single_class_clips(cache.clip_classes)
    trials = []
    for number in range(count):
        name = kinds[number % len(kinds)]
        masks = [rng.choice(masks_by_class[name])]
        for _ in range(1 + number % 2):
            others = [other for other in kinds if other != name]
            distractor = SILENT if rng.random() < 0.35 else others[rng.integers(len(others))]
            masks.append(rng.choice(masks_by_class[distractor]))
        clip = rng.choice(clips_by_class[name])
        trials.append(
            Trial(
                cache.masks[masks],
                cache.clips[clip],
                cache.mask_text_embeddings[masks],
                cache.window_text_embeddings[clip],
                cache.local[masks].float(),
                cache.audio(clip),
                name,
            )
        )
    return trials


@torch.no_grad()
def compute_similarities(
    association: AssociationEnsemble, trial: Trial
) -> tuple[Tensor, Tensor, Tensor | None]:
    """What is learnt from pairs, what words say and what kinds say: (N,) each."""
    temperature = association.settings.temperature
    pair_similarity = cosines(association.modules, trial.masks, trial.clip)
    text_similarity = trial.mask_text_embeddings @ trial.window_text_embeddings.T
    class_match = association.class_match(MaskEmbeddings(trial.local, trial.local), trial.audio)
    return (
        log_sum_exp_pool(pair_similarity, temperature),
        log_sum_exp_pool(text_similarity, temperature),
        class_match,
    )


def compute_accuracies(
    association: AssociationEnsemble, trials: Sequence[Trial], variants: Iterable[AssociationEnsembleSettings]
) -> list[float]:
    """Share of trials won, with every way's shares."""
    found = [compute_similarities(association, trial) for trial in trials]
    return [
        float(np.mean([int(fuse(*three, settings).argmax()) == 0 for three in found]))
        for settings in variants
    ]


def build_dev_trials(
    media: Media,
    class_probabilities: FrozenClassifiers,
    made: PCAProjections,
    settings: AssociationEnsembleSettings,
    count: int = 400,
) -> list[Trial]:
    """Scenes of media that were never trained on: one or two distractors, exact masks."""
    from seac.associate.embed import embed_masks
    from seac.encoders.audio.yamnet_student import YamnetStudent
    from seac.encoders.vision.efficientnet_lite import EfficientNetLite

    vision, hearing = EfficientNetLite.load(), YamnetStudent.load()
    trials = []
    for scene in render_choice_scenes(media, count, 0):
        mask_embeddings = embed_masks(scene.image, scene.masks, scene.boxes, vision, VIEWS, exact=False)
        clips_by_class = encode_windows(hearing, scene.waveform)
        assert clips_by_class.class_probabilities is not None
        image_text_embeddings = project_probabilities(
            class_probabilities.words.image_mapping,
            mask_embeddings.mixed_probabilities(settings.lam),
            made.image_class_prior,
            settings,
        )
        audio_text_embeddings = project_probabilities(
            class_probabilities.words.audio_mapping,
            clips_by_class.class_probabilities,
            made.audio_class_prior,
            settings,
        )
        trials.append(
            Trial(
                build_input(
                    mask_embeddings.mixed(settings.lam), image_text_embeddings, made, settings, "image"
                ),
                build_input(clips_by_class.embeddings, audio_text_embeddings, made, settings, "audio"),
                image_text_embeddings,
                audio_text_embeddings,
                mask_embeddings.local,
                clips_by_class,
                scene.name,
            )
        )
    return trials
