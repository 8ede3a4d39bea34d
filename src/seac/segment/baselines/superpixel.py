"""Proposals without a trained detector: what stands out, and regions of a hierarchy of superpixels.

Candidates are the nodes of the hierarchies and the superpixels under a thresholded saliency map; all are
sets of superpixels, so overlaps, outlines and contrasts of thousands of candidates are a few small matrix
products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import label as label_components
from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import Proposals
from seac.segment.baselines.saliency import shared_saliency
from seac.segment.ops import (
    boxes_of,
    enlarge,
    nms,
    nonempty,
    pairwise_iou,
    resize_image,
    whole_frame,
    working_size,
)
from seac.segment.proposal_net.hierarchy import Weights, merge
from seac.segment.proposal_net.region_score import objectness
from seac.segment.proposal_net.superpixels import Superpixels, segment_superpixels

Floats = NDArray[np.float32]
# By colour, by edges, by texture: they fail on different things.
TREES = (Weights(1, 30, 1, 0.5), Weights(0.3, 10, 3, 0.3), Weights(0.3, 60, 0, 0.8))
# Where a network has looked, its features tell what belongs together much better.
DEEP_TREES = (Weights(1, 10, 3, 0.3), Weights(1, 10, 1, 0.5, 90), Weights(0.3, 10, 1, 0.8, 160))
LEVELS = (0.15, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class ClassicSettings:
    """Settings of the classic segmenter.

    Attributes:
        max_masks: masks per frame.
        long_side: working size in pixels.
        scale: size preference of the superpixels.
        smallest: pixels of a superpixel at least, at the working size.
        trees: one hierarchy per set of weights.
        min_area: smallest candidate as a share of the picture.
        max_area: greatest candidate as a share of the picture.
        overlap: greatest IoU of two proposals.
        saliency: also look at what stands out (ten times slower on one core, better order).
        stuff: order regions as what a network of things leaves, stuff above all, rather than as things;
            without saliency and with a network's features only.
        threads: threads of the saliency network.
    """

    max_masks: int = 50
    long_side: int = 256
    scale: float = 100.0
    smallest: int = 50
    trees: tuple[Weights, ...] = TREES
    min_area: float = 0.002
    max_area: float = 0.9
    overlap: float = 0.6
    saliency: bool = True
    stuff: bool = False
    threads: int = 1


@dataclass(frozen=True)
class Regions:
    """Candidates as sets of superpixels, best first.

    Attributes:
        labels: (h, w) int64 superpixels at the working size.
        area: (R,) float32 pixels of each.
        rows: (K, R) bool, the superpixels of each candidate.
        scores: (K,) float32 in [0, 1].
    """

    labels: Tensor
    area: Tensor
    rows: Tensor
    scores: Tensor

    def masks(self, which: Tensor) -> Tensor:
        """Candidates ``which`` (n,) int64 as (n, h, w) bool."""
        return self.rows[which][:, self.labels]


class Classic:
    """Saliency and hierarchical superpixels, merged by mask NMS, as a Segmenter."""

    def __init__(self, settings: ClassicSettings | None = None) -> None:
        self.settings = settings or ClassicSettings()

    @classmethod
    def from_context(cls, context: PartContext) -> Classic:
        """The row of a table."""
        return cls()

    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; a frame in which nothing is found is one mask."""
        height, width = image.shape[-2:]
        regions = self.regions(image)
        s = self.settings
        kept = nms(pairwise_iou(regions.rows, regions.area), s.overlap, s.max_masks)
        masks = enlarge(regions.masks(kept), height, width)
        present = nonempty(masks)
        if not present.any():
            return whole_frame(height, width)
        return Proposals(masks[present], boxes_of(masks[present]), regions.scores[kept][present])

    def regions(self, image: Tensor, feature_levels: tuple[Tensor, ...] = ()) -> Regions:
        """Every candidate of ``image``, (3, H, W) uint8, best first, before NMS.

        Args:
            image: (3, H, W) uint8.
            feature_levels: feature maps (C, h, w) of a network that has seen the image; none are needed.
        """
        leaves, salience = self.leaves(image, feature_levels)
        rows, persistence = candidates(leaves, self.settings, salience)
        scores = torch.from_numpy(objectness(leaves, rows, persistence, salience, self.settings.stuff))
        order = torch.argsort(scores, descending=True, stable=True)
        return Regions(
            torch.from_numpy(leaves.labels),
            torch.from_numpy(leaves.area),
            torch.from_numpy(rows)[order],
            scores[order],
        )

    def leaves(
        self, image: Tensor, feature_levels: tuple[Tensor, ...] = ()
    ) -> tuple[Superpixels, Floats | None]:
        """Superpixels of ``image``, (3, H, W) uint8, and how much each stands out (R,), if asked for."""
        s = self.settings
        small = resize_image(image, *working_size(image.shape[-2], image.shape[-1], s.long_side)).round()
        small_image = small.permute(1, 2, 0).contiguous().to(torch.uint8).numpy()
        leaves = segment_superpixels(small_image, s.scale, s.smallest, feature_levels)
        return leaves, self._salience(image, leaves) if s.saliency else None

    def _salience(self, image: Tensor, leaves: Superpixels) -> Floats:
        where = shared_saliency(self.settings.threads)(image)
        height, width = leaves.labels.shape
        at_work = resize_image(where[None], height, width)[0].numpy()
        mean = np.bincount(leaves.labels.ravel(), at_work.ravel(), len(leaves)) / leaves.area
        return mean.astype(np.float32)


def candidates(
    leaves: Superpixels, settings: ClassicSettings, salience: Floats | None
) -> tuple[NDArray[np.bool_], Floats]:
    """Distinct regions of a sensible size as sets of superpixels (K, R), and how long each lasts."""
    rows, persistence = [], []
    for tree in merge(leaves, settings.trees):
        top = max(float(tree.died[-1]), 1e-6)
        rows.append(tree.members)
        persistence.append((tree.died - tree.born) / top)
    if salience is not None:
        standing = salient_regions(leaves, salience)
        rows.append(standing)
        persistence.append(np.zeros(len(standing), np.float32))
    every, lasting = np.concatenate(rows), np.concatenate(persistence)
    share = every @ leaves.area / leaves.area.sum()
    fits = (share >= settings.min_area) & (share <= settings.max_area)
    every, lasting = every[fits], lasting[fits]
    if len(every) == 0:
        return every, lasting
    _, first = np.unique(np.packbits(every, axis=1), axis=0, return_index=True)
    first.sort()
    return every[first], lasting[first]


def salient_regions(leaves: Superpixels, salience: Floats) -> NDArray[np.bool_]:
    """Superpixels above a threshold of saliency, all together and each connected part: (K, R) bool."""
    rows: list[NDArray[np.bool_]] = []
    for threshold in LEVELS:
        above = salience > threshold
        rows.append(above)
        parts, count = label_components(above[leaves.labels])
        for part in range(1, count + 1):
            member = np.zeros(len(leaves), bool)
            member[leaves.labels[parts == part]] = True
            rows.append(member)
    return np.stack(rows)
