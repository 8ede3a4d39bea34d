"""Images of the gallery: true regions beside proposals, and one region beside its best proposal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.gallery.regions import FOUND, TEN, Region
from benchmarks.proposals import ImageArray, Masks
from seac.evaluation.report.figures import fill_pixels, mask_boundary
from seac.results.palette import colour

Pixels = NDArray[np.float32]
WHITE, RED, YELLOW = (255, 255, 255), (255, 48, 48), (255, 220, 0)
MARGIN = 0.4
"""Margin around a cropped region, as a share of its box."""
GAP = 6


def draw_pair(image: ImageArray, true: Masks, regions: Sequence[Region], proposed: Masks) -> Pixels:
    """Draw true regions (missed ones red and hatched) beside the ten best proposals: (H, 2 W, 3)."""
    left = np.asarray(image, np.float32)
    for mask, region in zip(true, regions, strict=True):
        if region.iou >= FOUND:
            left = fill_pixels(left, mask_boundary(mask))
    for mask, region in zip(true, regions, strict=True):
        if region.iou < FOUND:
            left = fill_pixels(left, mask_boundary(mask) | (mask & hatch(mask.shape)), RED)
    right = np.asarray(image, np.float32) * 0.75
    for rank in reversed(range(min(TEN, len(proposed)))):  # the best proposal is drawn last, on top
        right = fill_pixels(right, mask_boundary(proposed[rank]), colour(rank))
    return beside(left, right)


def draw_region(image: ImageArray, true: NDArray[np.bool_], best: NDArray[np.bool_], side: int) -> Pixels:
    """Draw crops of a region (H, W) and its best proposal: three squares of ``side`` pixels in a row.

    The squares show the image, the region in red and the proposal in yellow.
    """
    window = around(true)
    pixels = np.asarray(image, np.float32)[window]
    views = (
        pixels,
        _shown(pixels, true[window], RED),
        _shown(pixels, best[window], YELLOW),
    )
    return beside(*(fitted(view, side) for view in views))


def beside(*images: Pixels) -> Pixels:
    """Concatenate images of equal height in a row, with a white gap."""
    gap = np.full((len(images[0]), GAP, 3), 255, np.float32)
    return np.concatenate([part for image in images for part in (image, gap)][:-1], axis=1)


def hatch(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mask of diagonal lines, (H, W)."""
    rows, columns = np.indices(shape)
    lines: NDArray[np.bool_] = (rows + columns) % 9 == 0
    return lines


def around(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """A square window around a mask (H, W) with a margin, clipped to the image."""
    ends = [np.flatnonzero(mask.any(axis))[[0, -1]] for axis in (1, 0)]
    side = round(max(int(last - first + 1) for first, last in ends) * (1 + 2 * MARGIN)) + 16
    found = []
    for (first, last), size in zip(ends, mask.shape, strict=True):
        start = max(0, min(int(first + last + 1 - side) // 2, size - side))
        found.append(slice(start, min(size, start + side)))
    return found[0], found[1]


def fitted(image: Pixels, side: int) -> Pixels:
    """Fit an image (h, w, 3) into a grey square with its aspect ratio."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(image.round().clip(0, 255).astype(np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )
    square = np.full((side, side, 3), 128, np.float32)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = np.asarray(small, np.float32)
    return square


def _shown(pixels: Pixels, mask: NDArray[np.bool_], paint: tuple[int, int, int]) -> Pixels:
    dimmed = np.where(mask[..., None], pixels, pixels * 0.45)
    return fill_pixels(dimmed, mask_boundary(mask, 1), paint)
