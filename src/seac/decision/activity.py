"""Activity of the audio: silence, and noise without a source.

Min-max (Eq. 4) makes some mask active whatever is played; this module says when no mask may be.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seac.core.types import AudioFeatures, AudioSummary
from seac.decision.calibration import Calibration
from seac.decision.stationary_noise import is_stationary_noise
from seac.encoders.audio.windows import top_classes

QUIETEST = -120.0
NOISES = frozenset(
    {
        *("Silence", "Noise", "Environmental noise", "White noise", "Pink noise"),
        *("Static", "Hum", "Mains hum"),
    }
)
"""AudioSet classes that a microphone and a room make by themselves."""


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


def summarise(
    waveform: Tensor,
    near: Tensor,
    sample_rate: int,
    features: AudioFeatures,
    labels: tuple[str, ...],
    calibration: Calibration,
) -> AudioSummary:
    """Activity, level and likeliest classes of audio.

    Args:
        waveform: (S,) float mono in [-1, 1].
        near: (S',) the part of it that decides on silence.
        sample_rate: Hz.
        features: of ``waveform``.
        labels: names of the columns of the features' class probabilities.
        calibration: thresholds of silence and noise.
    """
    silent = is_silent(near, sample_rate, calibration, features, labels)
    noise = not silent and is_noise(waveform, sample_rate, calibration, features, labels)
    return AudioSummary(silent, level(near, sample_rate), top_classes(features, labels), noise)
