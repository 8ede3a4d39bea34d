"""Proposals without a trained detector: salient regions, and regions of superpixel hierarchies.

Candidates are the nodes of the hierarchies and the superpixels above saliency thresholds. All candidates are
sets of superpixels, so the overlaps, perimeters and contrasts of thousands of candidates are a few small
matrix products.
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
from seac.segment.baselines.hierarchy import MergeWeights, merge
from seac.segment.baselines.region_score import objectness
from seac.segment.baselines.saliency import check_installed, shared_saliency
from seac.segment.baselines.superpixels import Superpixels, segment_superpixels
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

Floats = NDArray[np.float32]
# By colour, by edges, by texture: they fail on different things.
TREES = (MergeWeights(1, 30, 1, 0.5), MergeWeights(0.3, 10, 3, 0.3), MergeWeights(0.3, 60, 0, 0.8))
LEVELS = (0.15, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class ClassicSettings:
    """Settings of the classic segmenter.

    Attributes:
        max_masks: masks per frame.
        long_side: working size in pixels.
        scale: size preference of the superpixels.
        min_pixels: minimum size of a superpixel in pixels at the working size.
        trees: one hierarchy per set of weights.
        min_area: minimum area of a candidate as a share of the image.
        max_area: maximum area of a candidate as a share of the image.
        overlap: maximum IoU of two proposals.
        saliency: also use the saliency network (ten times slower on one core, better ranking).
        threads: threads of the saliency network.
    """

    max_masks: int = 50
    long_side: int = 256
    scale: float = 100.0
    min_pixels: int = 50
    trees: tuple[MergeWeights, ...] = TREES
    min_area: float = 0.002
    max_area: float = 0.9
    overlap: float = 0.6
    saliency: bool = True
    threads: int = 1


@dataclass(frozen=True)
class Regions:
    """Candidates as sets of superpixels, best first.

    Attributes:
        labels: (h, w) int64 superpixels at the working size.
        area: (R,) float32 pixels of each.
        rows: (K, R) bool, superpixels of each candidate.
        scores: (K,) float32 in [0, 1].
    """

    labels: Tensor
    area: Tensor
    rows: Tensor
    scores: Tensor

    def masks(self, which: Tensor) -> Tensor:
        """Return the masks (n, h, w) bool of candidates ``which`` (n,) int64."""
        return self.rows[which][:, self.labels]


class Classic:
    """Saliency and hierarchical superpixels, merged by mask NMS, as a Segmenter.

    Raises:
        InputError: saliency is asked for and the extra ``baselines`` is not installed.
    """

    def __init__(self, settings: ClassicSettings | None = None) -> None:
        self.settings = settings or ClassicSettings()
        if self.settings.saliency:
            check_installed()

    @classmethod
    def from_context(cls, context: PartContext) -> Classic:
        """The row of a table."""
        return cls()

    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; without candidates, one mask covers the frame."""
        height, width = image.shape[-2:]
        regions = self.regions(image)
        s = self.settings
        keep = nms(pairwise_iou(regions.rows, regions.area), s.overlap, s.max_masks)
        masks = enlarge(regions.masks(keep), height, width)
        present = nonempty(masks)
        if not present.any():
            return whole_frame(height, width)
        return Proposals(masks[present], boxes_of(masks[present]), regions.scores[keep][present])

    def regions(self, image: Tensor) -> Regions:
        """Return all candidates of ``image``, (3, H, W) uint8, best first, before NMS."""
        leaves, salience = self.leaves(image)
        rows, persistence = candidates(leaves, self.settings, salience)
        scores = torch.from_numpy(objectness(leaves, rows, persistence, salience))
        order = torch.argsort(scores, descending=True, stable=True)
        return Regions(
            torch.from_numpy(leaves.labels),
            torch.from_numpy(leaves.area),
            torch.from_numpy(rows)[order],
            scores[order],
        )

    def leaves(self, image: Tensor) -> tuple[Superpixels, Floats | None]:
        """Return the superpixels of ``image``, (3, H, W) uint8, and their saliency (R,), or None."""
        s = self.settings
        small = resize_image(image, *working_size(image.shape[-2], image.shape[-1], s.long_side)).round()
        small_image = small.permute(1, 2, 0).contiguous().to(torch.uint8).numpy()
        leaves = segment_superpixels(small_image, s.scale, s.min_pixels)
        return leaves, self._salience(image, leaves) if s.saliency else None

    def _salience(self, image: Tensor, leaves: Superpixels) -> Floats:
        saliency = shared_saliency(self.settings.threads)(image)
        height, width = leaves.labels.shape
        resized = resize_image(saliency[None], height, width)[0].numpy()
        mean = np.bincount(leaves.labels.ravel(), resized.ravel(), len(leaves)) / leaves.area
        return mean.astype(np.float32)


def candidates(
    leaves: Superpixels, settings: ClassicSettings, salience: Floats | None
) -> tuple[NDArray[np.bool_], Floats]:
    """Return distinct regions within the area limits as sets of superpixels (K, R), and persistences (K,)."""
    rows, persistence = [], []
    for tree in merge(leaves, settings.trees):
        top = max(float(tree.death[-1]), 1e-6)
        rows.append(tree.members)
        persistence.append((tree.death - tree.birth) / top)
    if salience is not None:
        salient = salient_regions(leaves, salience)
        rows.append(salient)
        persistence.append(np.zeros(len(salient), np.float32))
    all_rows, all_persistence = np.concatenate(rows), np.concatenate(persistence)
    share = all_rows @ leaves.area / leaves.area.sum()
    valid = (share >= settings.min_area) & (share <= settings.max_area)
    all_rows, all_persistence = all_rows[valid], all_persistence[valid]
    if len(all_rows) == 0:
        return all_rows, all_persistence
    _, first = np.unique(np.packbits(all_rows, axis=1), axis=0, return_index=True)
    first.sort()
    return all_rows[first], all_persistence[first]


def salient_regions(leaves: Superpixels, salience: Floats) -> NDArray[np.bool_]:
    """Return the superpixels above each saliency threshold, and their connected parts: (K, R) bool."""
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
