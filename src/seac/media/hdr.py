"""From HDR to SDR: PQ and HLG of BT.2100 to the primaries and the transfer of sRGB, by a plain curve.

Diffuse white at 203 nits (ITU-R BT.2408) becomes nearly white; what is brighter is rolled off smoothly, the
same for the three channels, so that hues stay.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""Codes of transfer characteristics (ITU-T H.273)."""
HDR_TRANSFERS = frozenset({PQ, HLG})
WHITE = 203.0
"""Nits of diffuse white (ITU-R BT.2408)."""
PQ_PEAK, HLG_PEAK = 10_000.0, 1_000.0
"""Nits of the greatest signal."""
KNEE = np.float32(0.75)
"""Share of white up to which values are kept."""
BITS = 12
"""Bits of a value that count."""
BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
"""Linear RGB of BT.2020 to that of BT.709 (ITU-R BT.2087)."""
BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
BLOCK = 1 << 18
"""Pixels that are converted at a time, to keep memory small."""


def to_sdr(pixels: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """Convert pixels (H, W, 3) uint16 of BT.2020 and full range: (H, W, 3) uint8 sRGB.

    Args:
        pixels: RGB.
        transfer: :data:`PQ` or :data:`HLG`.
    """
    flat = pixels.reshape(-1, 3)
    result = np.empty(flat.shape, np.uint8)
    for first in range(0, len(flat), BLOCK):
        result[first : first + BLOCK] = _convert(flat[first : first + BLOCK], transfer)
    return result.reshape(pixels.shape)


def _convert(pixels: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    linear = _linear_table(transfer)[pixels >> (16 - BITS)]  # 1 is white
    if transfer == HLG:  # the system gamma of a display of 1000 nits
        luma = np.maximum(linear @ BT2020_LUMA * np.float32(WHITE / HLG_PEAK), 1e-6)
        linear *= luma[:, None] ** np.float32(0.2)
    linear = np.maximum(linear @ BT2020_TO_BT709.T, 0)
    peak = linear.max(1, keepdims=True)
    over = np.maximum(peak - KNEE, 0) / (1 - KNEE)
    rolled = np.minimum(peak, KNEE) + (1 - KNEE) * (1 - np.exp(-over))
    linear *= rolled / np.maximum(peak, 1e-6)
    top = (1 << BITS) - 1
    return np.asarray(_srgb_table()[np.rint(linear * top).astype(np.int32).clip(0, top)], np.uint8)


@lru_cache(maxsize=2)
def _linear_table(transfer: int) -> NDArray[np.float32]:
    """Light of each signal, in units of white: (2^BITS,); of HLG before the system gamma."""
    signal = np.arange(1 << BITS) / ((1 << BITS) - 1)
    if transfer == PQ:  # SMPTE ST 2084
        root = signal ** (1 / 78.84375)
        light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        return (light * PQ_PEAK / WHITE).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return (light * HLG_PEAK / WHITE).astype(np.float32)


@lru_cache(maxsize=1)
def _srgb_table() -> NDArray[np.uint8]:
    """Value of sRGB of each light: (2^BITS,) uint8."""
    light = np.arange(1 << BITS) / ((1 << BITS) - 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(value * 255), np.uint8)
