"""Two components of a sound, heard beside the whole: what is held, and what is struck.

An audio network hears the louder of two sounds and half forgets the other. Tones are ridges along time in a
spectrogram and strokes are ridges along frequency, so medians along either tell them apart (Fitzgerald, DAFx
2010): a melody and the drum beside it, a voice and the engine under it. No weights, nothing to train, and a
sound that is all of one sort stays as it is.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FFT, HOP = 1024, 512
REACH = 9  # cells of a median: 288 ms along time, 141 Hz along frequency
MIN_SHARE = 0.1  # share of the power under which a component is a residue and not a sound
COMPONENT_WEIGHT = 0.5  # of what the likelier component says, beside the whole
TINY = 1e-20
HPSS_VERSION = f"both components of {FFT} {HOP} {REACH} {MIN_SHARE} at {COMPONENT_WEIGHT}"  # for the record


def hpss(windows: Tensor) -> Tensor:
    """Harmonic and percussive component of windows (n, S) at 16 kHz, whose sum they are: (n, 2, S).

    S is to be at least ``FFT``.
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
    """Which components (n, C, S) of windows (n, S) are more than a residue: (n, C) bool."""
    return parts.square().mean(2) > MIN_SHARE * windows.square().mean(1, keepdim=True)


def blend_components(full: Tensor, parts: Tensor) -> Tensor:
    """What is heard in windows (n, K) and in their components (n, C, K), in one: (n, K).

    Probabilities stay probabilities, and where all say the same that is the answer.
    """
    return (full + COMPONENT_WEIGHT * parts.amax(1)) / (1 + COMPONENT_WEIGHT)


def moving_median(maps: Tensor, dim: int) -> Tensor:
    """Median over ``REACH`` cells along ``dim`` (1 or 2) of maps (n, h, w), mirrored at the ends: (n, h, w).

    By forgetting the least and the greatest of REACH / 2 + 2 values again and again (after Paeth, Graphics
    Gems 1990), for all cells at once: far quicker than sorting.
    """
    half = REACH // 2
    ends = (half, half, 0, 0) if dim == 2 else (0, 0, half, half)
    padded = F.pad(maps[:, None], ends, mode="reflect")[:, 0]
    shifted = [padded.narrow(dim, first, maps.shape[dim]) for first in range(REACH)]
    kept, waiting = shifted[: half + 2], shifted[half + 2 :]
    while True:
        kept = _without_extremes(kept)
        if not waiting:
            return kept[0]
        kept.append(waiting.pop())


def _without_extremes(values: list[Tensor]) -> list[Tensor]:
    """Values without the least and the greatest, cell by cell."""
    greatest, rest = values[0], []
    for value in values[1:]:
        rest.append(torch.minimum(greatest, value))
        greatest = torch.maximum(greatest, value)
    smallest, others = rest[0], []
    for value in rest[1:]:
        others.append(torch.maximum(smallest, value))
        smallest = torch.minimum(smallest, value)
    return others
