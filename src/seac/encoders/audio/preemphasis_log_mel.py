"""Batched log-mel spectrogram with pre-emphasis at 32 kHz, the input of the MobileNet audio encoder."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from seac.encoders.audio.log_mel import hertz_to_mel

RATE, FRAME, HOP, FFT, BANDS = 32_000, 800, 320, 1_024, 128
LOW, HIGH = 0.0, 15_000.0
PREEMPHASIS = 0.97
OFFSET = 1e-5
SHIFT, SCALE = 4.5, 5.0
"""The log-mel values are standardised by (x + SHIFT) / SCALE."""


@lru_cache(maxsize=1)
def mel_matrix() -> Tensor:
    """Return the filter bank of triangles in mel: (128, 513) float32, from power to bands."""
    mel = hertz_to_mel(torch.linspace(0, RATE / 2, FFT // 2 + 1, dtype=torch.float64))
    low, high = hertz_to_mel(torch.tensor([LOW, HIGH], dtype=torch.float64)).tolist()
    edges = torch.linspace(low, high, BANDS + 2, dtype=torch.float64)[:, None]
    rise = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    return torch.minimum(rise, fall).clamp_min(0).float()


class PreemphasisLogMel:
    """Computes standardised log-mel frames: 25 ms every 10 ms, 128 bands from 0 to 15,000 Hz."""

    def __init__(self) -> None:
        self.window = torch.hann_window(FRAME, periodic=False)
        self.mel = mel_matrix()

    def __call__(self, windows: Tensor) -> Tensor:
        """Return log-mel frames (n, 128, frames) float32 of windows (n, S) float32 in [-1, 1] at 32 kHz.

        ``frames = 1 + (S - 1) // 320``; frames are centred, the waveform is mirrored at both ends.
        S is at least 514.
        """
        emphasised = windows[:, 1:] - PREEMPHASIS * windows[:, :-1]
        spectrum = torch.stft(emphasised, FFT, HOP, FRAME, self.window, center=True, return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        return (torch.log(self.mel @ power + OFFSET) + SHIFT) / SCALE
