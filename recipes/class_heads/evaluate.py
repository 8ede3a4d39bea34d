"""Classification on dev composites: exact masks of sounding objects, not used in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from recipes.class_heads.crops import VIEWS
from recipes.common.composites.media import Media
from recipes.common.folds import to_class_name
from recipes.common.pairwise_choice import ChoiceScene, encode_windows, render_choice_scenes
from seac.associate.embed import high_resolution_crops
from seac.classify.base import MaskClassifier, class_scores
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.classify.vocabulary import default_vocabulary
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder

SCENES = 400
AUDIO_CONDITIONS = ("one sound", "two sounds")


@dataclass(frozen=True)
class Trial:
    """The views of a sounding object, the audio of each of ``AUDIO_CONDITIONS``, and the class."""

    mask: MaskEmbeddings
    audio: Mapping[str, AudioFeatures]
    name: str


def trials(
    media: Media, vision: VisionEncoder, audio_encoder: AudioEncoder, count: int = SCENES
) -> list[Trial]:
    """Render scenes with one or two distractors.

    The second source of the condition "two sounds" is the audio of the previous scene, at equal level.
    """
    found: list[Trial] = []
    before: ChoiceScene | None = None
    for scene in render_choice_scenes(media, count, 0):
        other = before or scene
        both = normalise_rms(scene.waveform) + normalise_rms(other.waveform)
        found.append(
            Trial(
                high_resolution_crops(scene.image, scene.masks[:1], scene.boxes[:1], vision, VIEWS),
                {
                    "one sound": encode_windows(audio_encoder, scene.waveform),
                    "two sounds": encode_windows(audio_encoder, both / both.abs().max()),
                },
                to_class_name(scene.name),
            )
        )
        before = scene
    return found


def normalise_rms(waveform: Tensor) -> Tensor:
    """Scale a waveform (S,) to RMS 1."""
    return waveform / waveform.square().mean().sqrt().clamp_min(1e-6)


def vocabularies(cases: Sequence[Trial]) -> dict[str, tuple[str, ...]]:
    """Vocabularies by their name: the dev classes, and the dev classes with the default vocabulary."""
    own = sorted({trial.name for trial in cases})
    every = (*own, *(name for name in default_vocabulary().names if name not in own))
    return {f"{len(names)} classes": names for names in (tuple(own), every)}


def count_correct(
    classifier: MaskClassifier,
    cases: Sequence[Trial],
    condition: str,
    names: Sequence[str],
    text: MeanEncoder,
) -> int:
    """Number of trials with the correct class among ``names``, for one of ``AUDIO_CONDITIONS``."""
    experts, correct = classifier.scorers_for(class_embeddings(names, text)), 0
    for trial in cases:
        scores = class_scores(experts.score_masks(trial.mask), experts.score_audio(trial.audio[condition]))
        correct += names[int(scores[0].argmax())] == trial.name
    return correct
