"""Resampling by a windowed sinc, with the filter that VGGish's public front end uses.

:func:`seac.media.waveform.as_waveform` serves every other network; this one exists because features
of the published stack should not depend on whose resampler ran.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# "kaiser_best": zero crossings on each side, share of the band that passes, Kaiser's beta.
ZEROS, ROLLOFF, BETA = 50, 0.917347, 12.9846


@lru_cache(maxsize=8)
def sinc_filter(up: int, down: int) -> NDArray[np.float64]:
    """The low-pass filter at ``up`` times the input's rate: (2k + 1,) float64, its gain is ``1 / up``."""
    scale = min(1.0, up / down)  # going down, the band of the output is what must not fold back
    reach = ZEROS / scale
    steps = ceil(reach * up)
    time = np.arange(-steps, steps + 1) / up
    inside = np.clip(1 - (time / reach) ** 2, 0, None)
    kaiser = np.i0(BETA * np.sqrt(inside)) / np.i0(BETA) * (inside > 0)
    taps: NDArray[np.float64] = scale * ROLLOFF * np.sinc(scale * ROLLOFF * time) * kaiser / up
    return taps


def resample(waveform: Tensor, rate: int, target: int) -> Tensor:
    """A waveform (S,) float at ``rate`` Hz as (floor(S * target / rate),) float64 at ``target`` Hz."""
    from scipy.signal import resample_poly

    samples = waveform.double().cpu()
    if rate == target or len(samples) == 0:
        return samples
    common = gcd(rate, target)
    up, down = target // common, rate // common
    resampled = resample_poly(samples.numpy(), up, down, window=sinc_filter(up, down))
    return torch.from_numpy(resampled[: len(samples) * up // down].copy())
