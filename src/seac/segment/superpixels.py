"""Superpixels and their neighbourhood: the leaves of the hierarchy that proposes regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab
from skimage.segmentation import felzenszwalb
from torch import Tensor

Floats = NDArray[np.float32]
COLOUR_BINS = 8


@dataclass(frozen=True)
class Superpixels:
    """A picture cut into R connected pieces.

    Attributes:
        labels: (h, w) int64, 0..R-1.
        area: (R,) pixels.
        colour: (R, 3) mean CIE Lab.
        spread: (R, 3 * 8) histogram of each Lab channel, a channel's bins sum to 1.
        length: (R, R) number of pixel pairs along the common border, symmetric, zero diagonal.
        edge: (R, R) sum of the colour steps over those pairs.
        frame: (R,) number of pixels on the picture's own border.
        deep: (R, D) mean features of a network, D = 0 without one.
    """

    labels: NDArray[np.int64]
    area: Floats
    colour: Floats
    spread: Floats
    length: Floats
    edge: Floats
    frame: Floats
    deep: Floats

    def __len__(self) -> int:
        return len(self.area)


def cut(
    picture: NDArray[np.uint8], scale: float, smallest: int, taps: tuple[Tensor, ...] = ()
) -> Superpixels:
    """Cut ``picture`` (h, w, 3) RGB by the graph method of Felzenszwalb and Huttenlocher (IJCV 2004).

    Args:
        picture: (h, w, 3) uint8.
        scale: the greater, the greater the pieces.
        smallest: pixels that a piece must have (unless the whole picture has fewer).
        taps: feature maps (C, h', w') of the same picture at any sizes.
    """
    labels = felzenszwalb(picture, scale=scale, sigma=0.6, min_size=smallest).astype(np.int64)
    _, flat = np.unique(labels, return_inverse=True)
    return describe(rgb2lab(picture).astype(np.float32), flat.reshape(labels.shape).astype(np.int64), taps)


def describe(lab: Floats, labels: NDArray[np.int64], taps: tuple[Tensor, ...] = ()) -> Superpixels:
    """Measure the pieces of ``labels`` (h, w) in the picture ``lab`` (h, w, 3)."""
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
        np.concatenate([np.zeros((count, 0), np.float32), *(pooled(tap, labels, area) for tap in taps)], 1),
    )


def pooled(tap: Tensor, labels: NDArray[np.int64], area: Floats) -> Floats:
    """Mean of a feature map (C, h', w') over each piece: (R, C) float32.

    Channels are brought to mean 0 and deviation 1 over the picture, then scaled so that distances of maps
    with few and with many channels compare.
    """
    mean, deviation = tap.mean((1, 2), keepdim=True), tap.std((1, 2), keepdim=True, correction=0)
    even = (tap - mean) / deviation.clamp_min(1e-3)
    at_work = F.interpolate(even[None], labels.shape, mode="bilinear", align_corners=False)[0].flatten(1)
    sums = torch.zeros(len(area), len(tap)).index_add_(0, torch.from_numpy(labels).flatten(), at_work.T)
    return np.asarray(sums.numpy() / area[:, None] / len(tap) ** 0.5, np.float32)


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
        apart = labels[here] != labels[there]
        pair = labels[here][apart] * count + labels[there][apart]
        step = np.sqrt(((smooth[here][apart] - smooth[there][apart]) ** 2).sum(1))
        length += np.bincount(pair, minlength=count * count)
        edge += np.bincount(pair, step, count * count)
    square = (count, count)
    length, edge = length.reshape(square), edge.reshape(square)
    return (length + length.T).astype(np.float32), (edge + edge.T).astype(np.float32)
