"""Whether anything visible sounds at all: min-max always lights up some mask, this says when it must not.

Three questions, asked in turn. Is there any sound (its level, and the audio network's own "Silence")? Is it
more than noise (the network's own "Noise", "White noise", ..., against all that has a source; its spectrum)?
Does its best match in the frame reach a calibrated probability (Platt: a logistic curve over the similarity)?
The constants come from ``python -m recipes.decision.calibrate``.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from seac.core.atomic import write_atomic
from seac.core.types import AudioFeatures
from seac.decision.stationary_noise import is_stationary_noise

ASSET = "assets/calibration.json"
QUIETEST = -120.0
NOISES = frozenset(
    {
        *("Silence", "Noise", "Environmental noise", "White noise", "Pink noise"),
        *("Static", "Hum", "Mains hum"),
    }
)
"""AudioSet classes that a microphone and a room make by themselves."""


@dataclass(frozen=True)
class Calibration:
    """What turns a raw similarity into a decision.

    Attributes:
        slope: of the logistic curve over the similarity.
        offset: of the logistic curve; probability = sigmoid(slope * similarity + offset).
        threshold: least probability at which a mask sounds.
        margin: how far below the frame's greatest similarity a mask may lie and still sound.
        floor: dBFS (RMS of the loudest tenth of a second) under which all is silence.
        silence: probability of the tag "Silence" in every window from which all is silence.
        noise: share of noise (see :func:`noisiness`) from which nothing in particular sounds.
    """

    slope: float = 8.0
    offset: float = -3.0
    threshold: float = 0.5
    margin: float = 2.0
    floor: float = -60.0
    silence: float = 0.9
    noise: float = 0.4

    @classmethod
    def load(cls, association: str = "zero-shot") -> Calibration:
        """The constants that ship for an association; zero-shot's for one that was not calibrated."""
        table = json.loads(files("seac").joinpath(ASSET).read_text(encoding="utf-8"))
        return cls(**table.get(association, table["zero-shot"]))

    def save(self, path: Path, association: str = "zero-shot") -> None:
        """Write the constants of one association as JSON beside the others', whole or not at all."""
        table = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        write_atomic(path, json.dumps(table | {association: asdict(self)}, indent=2) + "\n")

    def probability(self, similarity: Tensor) -> Tensor:
        """Probability that a mask with this similarity sounds: (N,) float32 in [0, 1]."""
        return torch.sigmoid(self.slope * similarity.float() + self.offset)


def level(waveform: Tensor, sample_rate: int) -> float:
    """Loudest tenth of a second of a waveform, (S,) float in [-1, 1], as RMS in dBFS; -120 at the least.

    Hum and room noise have it low, a single clap in ten seconds of silence has it high.
    """
    wave = torch.nan_to_num(waveform.float())
    span = max(1, sample_rate // 10)
    if wave.numel() == 0:
        return QUIETEST
    if wave.numel() > span:  # the last tenth overlaps the one before, so that nothing is left out
        wave = torch.cat([wave[: wave.numel() // span * span], wave[-span:]]).view(-1, span)
    power = float(wave.square().mean(dim=-1).max())
    return max(QUIETEST, 10 * math.log10(power)) if power > 0 else QUIETEST


def is_silent(
    waveform: Tensor,
    sample_rate: int,
    calibration: Calibration,
    audio: AudioFeatures | None = None,
    labels: tuple[str, ...] = (),
) -> bool:
    """Whether there is nothing to hear.

    Args:
        waveform: (S,) float mono in [-1, 1].
        sample_rate: Hz.
        calibration: floor and silence.
        audio: what the audio network said of the waveform, if it has been asked.
        labels: names of its tags.
    """
    if level(waveform, sample_rate) < calibration.floor:
        return True
    if (
        audio is None
        or audio.class_probabilities is None
        or len(audio.class_probabilities) == 0
        or "Silence" not in labels
    ):
        return False
    return float(audio.class_probabilities[:, labels.index("Silence")].min()) >= calibration.silence


def is_noise(
    waveform: Tensor,
    sample_rate: int,
    calibration: Calibration,
    audio: AudioFeatures,
    labels: tuple[str, ...],
) -> bool:
    """Whether there is nothing but noise, which nothing in particular makes.

    Args:
        waveform: (S,) float mono in [-1, 1].
        sample_rate: Hz.
        calibration: noise.
        audio: what the audio network said of the waveform.
        labels: names of its tags.
    """
    return noisiness(audio, labels) >= calibration.noise or is_stationary_noise(waveform, sample_rate)


def noisiness(audio: AudioFeatures, labels: tuple[str, ...]) -> float:
    """How much likelier noise is than anything with a source, in [0, 1].

    The best of :data:`NOISES` as a share of it and the best of all other tags; 0 where the network has none.

    Args:
        audio: what the audio network said of a sound.
        labels: names of its tags.
    """
    if audio.class_probabilities is None or len(audio.class_probabilities) == 0 or NOISES.isdisjoint(labels):
        return 0.0
    mean = audio.class_probabilities.float().mean(0)
    noisy = torch.tensor([label in NOISES for label in labels])
    noise, rest = float(mean[noisy].max()), float(mean[~noisy].max()) if not noisy.all() else 0.0
    return noise / max(noise + rest, 1e-9)


def sounding(similarity: Tensor, calibration: Calibration, *, silent: bool) -> Tensor:
    """The decision for every mask: (N,) bool; nothing sounds in silence.

    Args:
        similarity: (N,) raw.
        calibration: turns it into a probability.
        silent: whether there is silence or noise only.
    """
    if silent:
        return torch.zeros(len(similarity), dtype=torch.bool)
    if len(similarity) == 0:
        return torch.zeros(0, dtype=torch.bool)
    near = similarity >= similarity.max() - calibration.margin
    return (near & (calibration.probability(similarity) >= calibration.threshold)).cpu()
