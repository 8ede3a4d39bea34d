"""Sound of any kind (array or tensor, mono or not, any rate) as one kind: mono float32 in [-1, 1]."""

from __future__ import annotations

from math import gcd
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seac.core.errors import InputError

LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000
LOUDEST = 8.0
"""Float samples above this are no clipped sound but integers that were never scaled."""


def as_waveform(waveform: Any, sample_rate: int, target: int) -> Tensor:
    """Any sound as (S,) float32 mono in [-1, 1] at ``target`` Hz.

    Args:
        waveform: array or tensor (S,), (C, S) or (S, C), where C <= 8 is the shorter side; float in [-1, 1]
            (a clipped sound may go a little beyond: it is clamped), int16 or int32. May be empty.
        sample_rate: Hz, from 4,000 to 192,000.
        target: Hz.

    Raises:
        InputError: another shape or type, NaN or infinity, integers passed as floats, or another rate.
    """
    given: Any = sample_rate
    if not isinstance(given, Real) or not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise InputError(f"sample_rate is {sample_rate} Hz: pass {LOWEST_RATE} to {HIGHEST_RATE}")
    samples = _mono(_float(waveform))
    if not np.isfinite(samples).all():
        raise InputError("waveform holds NaN or infinity: pass finite samples in [-1, 1]")
    peak = float(np.abs(samples).max()) if samples.size else 0.0
    if peak > LOUDEST:
        raise InputError(f"float waveform goes up to {peak:.3g}: scale it to [-1, 1] or pass int16")
    return torch.from_numpy(np.clip(_resampled(samples, int(sample_rate), target), -1, 1))


def _float(waveform: Any) -> np.ndarray:
    if isinstance(waveform, Tensor):
        waveform = waveform.detach().cpu()
        waveform = (waveform.float() if waveform.is_floating_point() else waveform).numpy()
    if not isinstance(waveform, np.ndarray):
        raise InputError(f"waveform is a {type(waveform).__name__}: pass an array or a tensor (S,) or (C, S)")
    if waveform.dtype in (np.int16, np.int32):
        return waveform.astype(np.float32) / -float(np.iinfo(waveform.dtype).min)
    if waveform.dtype.kind != "f":
        raise InputError(f"waveform has dtype {waveform.dtype}: pass float in [-1, 1], int16 or int32")
    return waveform.astype(np.float32, copy=False)


def _mono(samples: np.ndarray) -> np.ndarray:
    if samples.ndim == 1 or samples.size == 0:
        return samples.reshape(-1)
    if samples.ndim != 2 or not 1 <= min(samples.shape) <= 8:
        raise InputError(f"waveform is {samples.shape}: pass (S,) or (C, S) with 1 to 8 channels")
    mean: np.ndarray = samples.mean(axis=int(np.argmin(samples.shape)), dtype=np.float32)
    return mean


def _resampled(samples: np.ndarray, rate: int, target: int) -> np.ndarray:
    if rate == target or samples.size == 0:
        return samples
    from scipy.signal import resample_poly  # here, because most sounds are decoded at the right rate

    common = gcd(rate, target)
    return np.asarray(resample_poly(samples, target // common, rate // common), np.float32)


def crop_waveform(waveform: Tensor, sample_rate: int, middle: float, seconds: float) -> Tensor:
    """The part of a waveform (S,) within ``seconds / 2`` of ``middle`` (seconds): (S',)."""
    first = max(0, round((middle - seconds / 2) * sample_rate))
    return waveform[first : max(first, round((middle + seconds / 2) * sample_rate))]
