"""Harmonic-percussive source separation (HPSS) by median filtering (Fitzgerald, DAFx 2010).

Audio encoders under-report the quieter of two simultaneous sources. Harmonic sources are ridges along time in
a spectrogram and percussive sources are ridges along frequency, so medians along either axis separate them.
The encoder then runs on both components beside the full mix. HPSS has no weights and needs no training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FFT, HOP = 1024, 512
REACH = 9  # spectrogram bins of a median: 288 ms along time, 141 Hz along frequency
MIN_SHARE = 0.1  # minimum share of the power; a component below is a residue
COMPONENT_WEIGHT = 0.5  # weight of the maximum over components relative to the full mix
TINY = 1e-20
HPSS_VERSION = (
    f"both components of {FFT} {HOP} {REACH} {MIN_SHARE} at {COMPONENT_WEIGHT}"  # see YamnetStudent
)


def hpss(windows: Tensor) -> Tensor:
    """Return the harmonic and percussive components (n, 2, S) of windows (n, S) at 16 kHz.

    The components sum to the windows. S must be at least ``FFT``.
    """
    window = torch.hann_window(FFT, device=windows.device)
    spectrum = torch.stft(windows, FFT, HOP, window=window, return_complex=True)
    magnitude = spectrum.abs()
    harmonic_energy, percussive_energy = (
        moving_median(magnitude, 2).square(),
        moving_median(magnitude, 1).square(),
    )
    share = harmonic_energy / (harmonic_energy + percussive_energy).clamp_min(TINY)
    harmonic = torch.istft(spectrum * share, FFT, HOP, window=window, length=windows.shape[1])
    return torch.stack([harmonic, windows - harmonic], 1)


def audible(parts: Tensor, windows: Tensor) -> Tensor:
    """Return which components (n, C, S) of windows (n, S) are audible, by ``MIN_SHARE``: (n, C) bool."""
    return parts.square().mean(2) > MIN_SHARE * windows.square().mean(1, keepdim=True)


def blend_components(full: Tensor, parts: Tensor) -> Tensor:
    """Return the weighted mean (n, K) of full-mix scores (n, K) and the maximum over components (n, C, K).

    Values stay in [0, 1]; if full mix and components agree, the result equals both.
    """
    return (full + COMPONENT_WEIGHT * parts.amax(1)) / (1 + COMPONENT_WEIGHT)


def moving_median(maps: Tensor, dim: int) -> Tensor:
    """Return the median (n, h, w) over ``REACH`` bins of maps (n, h, w) along ``dim`` (1 or 2), mirrored.

    Repeatedly discards the minimum and maximum of REACH / 2 + 2 values (Paeth, Graphics Gems 1990), for all
    bins at once, which is much faster than sorting.
    """
    half = REACH // 2
    ends = (half, half, 0, 0) if dim == 2 else (0, 0, half, half)
    padded = F.pad(maps[:, None], ends, mode="reflect")[:, 0]
    shifted = [padded.narrow(dim, first, maps.shape[dim]) for first in range(REACH)]
    candidates, remaining = shifted[: half + 2], shifted[half + 2 :]
    while True:
        candidates = _without_extremes(candidates)
        if not remaining:
            return candidates[0]
        candidates.append(remaining.pop())


def _without_extremes(values: list[Tensor]) -> list[Tensor]:
    """Return the values without the elementwise minimum and maximum."""
    greatest, rest = values[0], []
    for value in values[1:]:
        rest.append(torch.minimum(greatest, value))
        greatest = torch.maximum(greatest, value)
    smallest, others = rest[0], []
    for value in rest[1:]:
        others.append(torch.maximum(smallest, value))
        smallest = torch.minimum(smallest, value)
    return others
