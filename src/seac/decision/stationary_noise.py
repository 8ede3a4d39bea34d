"""Steady noise, at any level: the same at all times, and a straight line from low to high.

A network for sounds calls quiet white noise noise, and loud white noise a waterfall. Its power in bands
tells it: an engine keeps its level too, but its spectrum has bends.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

BANDS = 24
LOW, HIGH = 150.0, 7_500.0
"""Hz; between them bands are equally wide on a logarithmic scale."""
FRAME, STEP = 0.025, 0.2
"""Seconds of a spectrum, and over which its power is averaged."""
SHORTEST = 0.8
"""Seconds under which nothing can be told."""
MAX_TEMPORAL_DEVIATION, MAX_SPECTRAL_DEVIATION = 1.5, 1.5
"""Decibels. White, pink and brown noise stay under .8 and .5 over a second and more; of the recordings of the
train and dev media, cut into two seconds, none is under 2.3 in both."""


def is_stationary_noise(waveform: Tensor, sample_rate: int) -> bool:
    """Whether a sound is noise of one colour and one level throughout.

    Args:
        waveform: (S,) float mono in [-1, 1].
        sample_rate: Hz, at least 8,000.
    """
    if len(waveform) < SHORTEST * sample_rate:
        return False
    power = band_powers(waveform.float(), sample_rate)
    if float(power.min()) <= 0:  # digital silence in some band or at some time
        return False
    level = 10 * torch.log10(power)
    temporal_deviation = float(level.std(1).mean())
    return (
        temporal_deviation < MAX_TEMPORAL_DEVIATION
        and spectral_deviation(10 * torch.log10(power.mean(1))) < MAX_SPECTRAL_DEVIATION
    )


def band_powers(waveform: Tensor, sample_rate: int) -> Tensor:
    """Mean power per bin of each band that has bins, in steps of ``STEP`` seconds: (bands, steps) float32."""
    length = round(FRAME * sample_rate)
    hop = length // 2
    window = torch.hann_window(length, device=waveform.device)
    spectrum = torch.stft(waveform, length, hop, window=window, center=False, return_complex=True)
    hertz = torch.fft.rfftfreq(length, 1 / sample_rate)
    inside = (hertz >= LOW) & (hertz < min(HIGH, 0.47 * sample_rate))
    octaves = torch.log(hertz[inside] / LOW) / math.log(HIGH / LOW)
    _, band = torch.unique((octaves * BANDS).long(), return_inverse=True)
    power = spectrum[inside].abs().square()
    sums = power.new_zeros(int(band.max()) + 1, power.shape[1]).index_add_(0, band, power)
    means = sums / torch.bincount(band)[:, None]
    steps = max(1, round(STEP * sample_rate / hop))
    return functional.avg_pool1d(means[None], steps, steps)[0]


def spectral_deviation(level: Tensor) -> float:
    """How far levels (B,) of bands lie from the straight line that fits them best: RMS, in their unit."""
    level = level.double()
    position = torch.linspace(-1, 1, len(level), dtype=torch.float64)
    line = level.mean() + position * (position @ level) / (position @ position)
    return float((level - line).square().mean().sqrt())
