"""Names on dev composites: exact masks of things that sound, never taught from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from benchmarks.pairwise_choice import Scene, hear, scenes
from recipes.class_heads.crops import VIEWS
from seac.associate.embed import closer_look
from seac.classify.base import Naming, class_scores
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.classify.vocabulary import default_vocabulary
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder

SCENES = 400
SOUNDS = ("one sound", "two sounds")


@dataclass(frozen=True)
class Trial:
    """A thing that sounds as it is looked at, its sound alone and beside another's, and its name."""

    look: MaskEmbeddings
    heard: Mapping[str, AudioFeatures]
    name: str


def said(kind: str) -> str:
    """A kind in words."""
    return kind.replace("_", " ")


def trials(shared: Path, vision: VisionEncoder, ears: AudioEncoder, count: int = SCENES) -> list[Trial]:
    """Scenes of ``benchmarks.pairwise_choice``; the other sound is that of the scene before, as loud."""
    found: list[Trial] = []
    before: Scene | None = None
    for scene in scenes(count, 0, shared):
        other = before or scene
        both = loud(scene.waveform) + loud(other.waveform)
        found.append(
            Trial(
                closer_look(scene.image, scene.masks[:1], scene.boxes[:1], vision, VIEWS),
                {
                    "one sound": hear(ears, scene.waveform),
                    "two sounds": hear(ears, both / both.abs().max()),
                },
                said(scene.name),
            )
        )
        before = scene
    return found


def loud(waveform: Tensor) -> Tensor:
    """A waveform (S,) at RMS 1."""
    return waveform / waveform.square().mean().sqrt().clamp_min(1e-6)


def vocabularies(judged: Sequence[Trial]) -> dict[str, tuple[str, ...]]:
    """The dev kinds alone, and with all words of the default vocabulary."""
    own = sorted({trial.name for trial in judged})
    every = (*own, *(name for name in default_vocabulary().names if name not in own))
    return {f"{len(names)} words": names for names in (tuple(own), every)}


def hits(naming: Naming, judged: Sequence[Trial], sound: str, names: Sequence[str], text: MeanEncoder) -> int:
    """How many trials' things are rightly named from ``names``."""
    witnesses, right = naming.among(class_embeddings(names, text)), 0
    for trial in judged:
        scores = class_scores(witnesses.sight(trial.look), witnesses.sound(trial.heard[sound]))
        right += names[int(scores[0].argmax())] == trial.name
    return right
