"""Resampling by a windowed sinc, with the filter of VGGish's public front end.

All other audio encoders use :func:`seac.media.waveform.as_waveform`. This resampler reproduces the features
of the published pipeline.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# "kaiser_best": zero crossings on each side, passband as a share of the Nyquist frequency, Kaiser's beta.
ZEROS, ROLLOFF, BETA = 50, 0.917347, 12.9846


@lru_cache(maxsize=8)
def sinc_filter(up: int, down: int) -> NDArray[np.float64]:
    """The low-pass filter at ``up`` times the input's rate: (2k + 1,) float64, its gain is ``1 / up``."""
    scale = min(1.0, up / down)  # when downsampling, the cut-off is the output's band, against aliasing
    half_width = ZEROS / scale
    steps = ceil(half_width * up)
    time = np.arange(-steps, steps + 1) / up
    inside = np.clip(1 - (time / half_width) ** 2, 0, None)
    kaiser = np.i0(BETA * np.sqrt(inside)) / np.i0(BETA) * (inside > 0)
    coefficients: NDArray[np.float64] = scale * ROLLOFF * np.sinc(scale * ROLLOFF * time) * kaiser / up
    return coefficients


def resample(waveform: Tensor, rate: int, target: int) -> Tensor:
    """Resample (S,) float from ``rate`` Hz to ``target`` Hz: (floor(S * target / rate),) float64."""
    from scipy.signal import resample_poly

    samples = waveform.double().cpu()
    if rate == target or len(samples) == 0:
        return samples
    common = gcd(rate, target)
    up, down = target // common, rate // common
    resampled = resample_poly(samples.numpy(), up, down, window=sinc_filter(up, down))
    return torch.from_numpy(resampled[: len(samples) * up // down].copy())
