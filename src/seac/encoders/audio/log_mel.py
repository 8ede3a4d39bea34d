"""Batched log-mel spectrogram, shared by YAMNet and VGGish."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

RATE, FRAME, HOP, FFT, BANDS = 16_000, 400, 160, 512, 64
LOW, HIGH = 125.0, 7_500.0


def hertz_to_mel(hertz: Tensor) -> Tensor:
    """Convert frequencies in Hz to the HTK mel scale."""
    return 1127.0 * torch.log1p(hertz / 700.0)


@lru_cache(maxsize=1)
def mel_matrix() -> Tensor:
    """Return the triangular mel filter bank: (257, 64) float64, from magnitudes to bands."""
    mel = hertz_to_mel(torch.linspace(0, RATE / 2, FFT // 2 + 1, dtype=torch.float64))
    low, high = hertz_to_mel(torch.tensor([LOW, HIGH], dtype=torch.float64)).tolist()
    edges = torch.linspace(low, high, BANDS + 2, dtype=torch.float64)
    rise = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    weights = torch.minimum(rise, fall).clamp_min(0)
    weights[0] = 0  # no band includes the constant component
    return weights


class LogMel:
    """Computes log-mel frames: 25 ms every 10 ms, 64 bands from 125 to 7,500 Hz, log(x + offset).

    Args:
        offset: added before the logarithm: .001 for YAMNet and its student, .01 for VGGish.
        dtype: dtype of the computation; with float32, rounding is visible in quiet bands.
    """

    def __init__(self, offset: float = 0.001, dtype: torch.dtype = torch.float32) -> None:
        self.offset = offset
        self.dtype = dtype
        self.window = torch.hann_window(FRAME, periodic=True, dtype=dtype)
        self.mel = mel_matrix().to(dtype)

    def __call__(self, windows: Tensor) -> Tensor:
        """Return log-mel frames (n, frames, 64) float32 of windows (n, S) float32 in [-1, 1] at 16 kHz.

        ``frames = 1 + (S - 400) // 160``; 15,600 samples give 96.
        """
        frames = windows.to(self.dtype).unfold(1, FRAME, HOP) * self.window
        magnitude = torch.fft.rfft(functional.pad(frames, (0, FFT - FRAME))).abs()
        return torch.log(magnitude @ self.mel + self.offset).float()
