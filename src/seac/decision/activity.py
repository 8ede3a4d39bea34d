"""Activity of the audio: detection of silence and of stationary noise.

Min-max (Eq. 4) gives the best mask a score of 1 for any audio. This module detects audio without a source,
for which no mask sounds.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seac.core.types import AudioFeatures, AudioSummary
from seac.decision.audio_steps import QUIETEST, StepRule, is_active_at
from seac.decision.calibration import Calibration
from seac.decision.stationary_noise import is_stationary_noise
from seac.encoders.audio.windows import top_classes

RULE = StepRule()


def level(waveform: Tensor, sample_rate: int) -> float:
    """Loudest tenth of a second of a waveform, (S,) float in [-1, 1], as RMS in dBFS; at least -120.

    The level of hum and room noise is low. The level of a single clap in ten seconds of silence is high.
    """
    wave = torch.nan_to_num(waveform.float())
    span = max(1, sample_rate // 10)
    if wave.numel() == 0:
        return QUIETEST
    if wave.numel() > span:  # the last span overlaps the previous one, so that all samples are included
        wave = torch.cat([wave[: wave.numel() // span * span], wave[-span:]]).view(-1, span)
    power = float(wave.square().mean(dim=-1).max())
    return max(QUIETEST, 10 * math.log10(power)) if power > 0 else QUIETEST


def summarise(
    waveform: Tensor,
    sample_rate: int,
    features: AudioFeatures,
    labels: tuple[str, ...],
    calibration: Calibration,
    moment: float | None = None,
) -> AudioSummary:
    """Activity, level and likeliest classes of audio.

    Args:
        waveform: (S,) float mono in [-1, 1].
        sample_rate: Hz.
        features: audio features of ``waveform``.
        labels: names of the columns of the features' class probabilities.
        calibration: its ``floor`` is the level of silence.
        moment: seconds in ``waveform``; if given, the audio is silent if it is inactive there by
            :func:`seac.decision.audio_steps.is_active_at`, so that a pause between two sounds is silent.
    """
    loudness = level(waveform, sample_rate)
    silent = loudness < calibration.floor
    if moment is not None and not silent:
        silent = not is_active_at(waveform.numpy(), sample_rate, moment, calibration.floor, RULE)
    noise = calibration.noise_gate and not silent and is_stationary_noise(waveform, sample_rate)
    return AudioSummary(silent, loudness, top_classes(features, labels), noise)
