"""Nearest-neighbour sampling of label images, and the colour palette of Pascal VOC."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resize_nearest(values: NDArray[np.generic], size: tuple[int, int]) -> NDArray[np.generic]:
    """Resize (..., H, W) to (height, width) ``size`` by nearest-neighbour sampling at pixel centres."""
    height, width = values.shape[-2:]
    if (height, width) == size:
        return values
    rows = np.minimum(((np.arange(size[0]) + 0.5) * height / size[0]).astype(np.int64), height - 1)
    columns = np.minimum(((np.arange(size[1]) + 0.5) * width / size[1]).astype(np.int64), width - 1)
    scaled: NDArray[np.generic] = values[..., rows[:, None], columns[None, :]]
    return scaled


def voc_palette(classes: int) -> NDArray[np.uint8]:
    """The colour palette of Pascal VOC: (C, 3) uint8, C <= 256.

    Bits 0, 1 and 2 of a number become the highest bits of red, green and blue, bits 3, 4 and 5 the next.
    """
    numbers = np.arange(classes)
    channels = [
        sum(((numbers >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(8)) for channel in range(3)
    ]
    return np.stack(channels, axis=1).astype(np.uint8)
