"""Superpixels and their adjacency: the leaves of the region hierarchy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab
from skimage.segmentation import felzenszwalb

Floats = NDArray[np.float32]
COLOUR_BINS = 8


@dataclass(frozen=True)
class Superpixels:
    """An image partitioned into R connected superpixels.

    Attributes:
        labels: (h, w) int64, 0..R-1.
        area: (R,) pixels.
        colour: (R, 3) mean CIE Lab.
        spread: (R, 3 * 8) histograms of the Lab channels; the bins of a channel sum to 1.
        length: (R, R) number of pixel pairs along the common border, symmetric, zero diagonal.
        edge: (R, R) sum of the colour steps over those pairs.
        frame: (R,) number of pixels on the border of the image.
    """

    labels: NDArray[np.int64]
    area: Floats
    colour: Floats
    spread: Floats
    length: Floats
    edge: Floats
    frame: Floats

    def __len__(self) -> int:
        return len(self.area)


def segment_superpixels(image: NDArray[np.uint8], scale: float, min_pixels: int) -> Superpixels:
    """Segment ``image`` (h, w, 3) RGB by the method of Felzenszwalb and Huttenlocher (IJCV 2004).

    Args:
        image: (h, w, 3) uint8.
        scale: size preference; greater values give larger superpixels.
        min_pixels: minimum size of a superpixel in pixels (unless the image has fewer).
    """
    labels = felzenszwalb(image, scale=scale, sigma=0.6, min_size=min_pixels).astype(np.int64)
    number = np.cumsum(np.bincount(labels.ravel()) > 0) - 1  # without gaps
    return describe(rgb2lab(image).astype(np.float32), number[labels])


def describe(lab: Floats, labels: NDArray[np.int64]) -> Superpixels:
    """Compute the properties of the superpixels ``labels`` (h, w) of the Lab image ``lab`` (h, w, 3)."""
    count = int(labels.max()) + 1
    flat = labels.ravel()
    area = np.bincount(flat, minlength=count).astype(np.float32)
    colour = np.stack([np.bincount(flat, lab[..., c].ravel(), count) / area for c in range(3)], 1)
    length, edge = _borders(lab, labels, count)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return Superpixels(
        labels,
        area,
        colour.astype(np.float32),
        _histograms(lab, flat, count) / area[:, None],
        length,
        edge,
        np.bincount(rim, minlength=count).astype(np.float32),
    )


def _histograms(lab: Floats, flat: NDArray[np.int64], count: int) -> Floats:
    low, high = np.array([0, -64, -64], np.float32), np.array([100, 64, 64], np.float32)
    bins = ((lab.reshape(-1, 3) - low) / (high - low) * COLOUR_BINS).astype(np.int64).clip(0, COLOUR_BINS - 1)
    columns = bins + np.arange(3) * COLOUR_BINS + flat[:, None] * (3 * COLOUR_BINS)
    counts = np.bincount(columns.ravel(), minlength=count * 3 * COLOUR_BINS)
    return counts.reshape(count, 3 * COLOUR_BINS).astype(np.float32)


def _borders(lab: Floats, labels: NDArray[np.int64], count: int) -> tuple[Floats, Floats]:
    smooth = gaussian_filter(lab, (0.7, 0.7, 0))
    length = np.zeros(count * count, np.float64)
    edge = np.zeros(count * count, np.float64)
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
    ):
        different = labels[here] != labels[there]
        pair = labels[here][different] * count + labels[there][different]
        step = np.sqrt(((smooth[here][different] - smooth[there][different]) ** 2).sum(1))
        length += np.bincount(pair, minlength=count * count)
        edge += np.bincount(pair, step, count * count)
    square = (count, count)
    length, edge = length.reshape(square), edge.reshape(square)
    return (length + length.T).astype(np.float32), (edge + edge.T).astype(np.float32)
