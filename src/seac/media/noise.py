"""Audio without a source, for training and calibration: silence, stationary noise, hum."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SECONDS = 2.0
LOUDEST, QUIETEST = -12.0, -55.0
"""RMS of noise in dBFS."""
EXPONENTS = (0.0, 0.5, 1.0)
"""Exponents of 1 / frequency of the amplitude: white, pink and brown noise."""
HUM = (50.0, 60.0)
"""Mains frequencies in Hz."""
SILENT = 8
"""One in so many waveforms is digital silence."""


def noise_waveforms(count: int, sample_rate: int, seed: int) -> list[Tensor]:
    """Waveforms of silence, of noise of several colours, and of noise with hum: ``count`` of (S,) float32.

    Args:
        count: number of waveforms.
        sample_rate: Hz.
        seed: of all draws.
    """
    generator = torch.Generator().manual_seed(seed)
    length = round(SECONDS * sample_rate)
    return [
        torch.zeros(length) if row % SILENT == 0 else _noise(row, length, sample_rate, generator)
        for row in range(count)
    ]


def _noise(row: int, length: int, sample_rate: int, generator: torch.Generator) -> Tensor:
    frequencies = torch.fft.rfftfreq(length, 1 / sample_rate).clamp_min(20.0)
    spectrum = torch.fft.rfft(torch.randn(length, generator=generator))
    wave: Tensor = torch.fft.irfft(spectrum / frequencies ** EXPONENTS[row % len(EXPONENTS)], length)
    wave = wave / wave.square().mean().sqrt()
    if row % 4 == 1:
        time = torch.arange(length) / sample_rate
        pitch = HUM[row // 4 % len(HUM)]
        wave = wave + sum(torch.sin(2 * math.pi * pitch * part * time) / part for part in (1, 2, 3, 5))
    level = QUIETEST + (LOUDEST - QUIETEST) * float(torch.rand((), generator=generator))
    amplitude = 10 ** (level / 20) / float(wave.square().mean().sqrt())
    return (amplitude * wave).clamp(-1, 1)
