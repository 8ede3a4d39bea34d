"""Detection of stationary noise at any level, from band powers over time.

Audio encoders classify loud white noise as a waterfall, so their classes do not detect noise. Stationary
noise has constant band powers (low temporal deviation) and a log spectrum that is a straight line over the
bands (low spectral deviation). An engine has a constant level too, but a high spectral deviation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

BANDS = 24
LOW, HIGH = 150.0, 7_500.0
"""Frequency range of the bands in Hz; bands have equal width on a logarithmic scale."""
FRAME, STEP = 0.025, 0.2
"""Seconds of a spectrum, and seconds over which its power is averaged."""
SHORTEST = 0.8
"""Minimum duration in seconds; shorter audio is not classified as noise."""
MAX_TEMPORAL_DEVIATION, MAX_SPECTRAL_DEVIATION = 1.5, 1.5
"""Maximum deviations in decibels. White, pink and brown noise of at least 1 s stays below .8 (temporal)
and .5 (spectral). No 2 s excerpt of the train and dev media is below 2.3 in both."""


def is_stationary_noise(waveform: Tensor, sample_rate: int) -> bool:
    """Whether a waveform is noise of constant spectrum and constant level.

    Args:
        waveform: (S,) float mono in [-1, 1].
        sample_rate: Hz, at least 8,000.
    """
    if len(waveform) < SHORTEST * sample_rate:
        return False
    power = band_powers(waveform.float(), sample_rate)
    if float(power.min()) <= 0:  # digital silence in a band or a time step
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
    """RMS deviation of band levels (B,) from their least-squares line, in the unit of the levels."""
    level = level.double()
    position = torch.linspace(-1, 1, len(level), dtype=torch.float64)
    line = level.mean() + position * (position @ level) / (position @ position)
    return float((level - line).square().mean().sqrt())
