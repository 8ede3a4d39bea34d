"""Features of one true region: the overlap with its best proposal, size, shape and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt
from scipy.ndimage import label as components
from skimage.color import rgb2lab

from benchmarks.proposals import ImageArray, Masks, best_iou

TEN = 10
RING = 5
"""Width in pixels of the ring around a region."""
FOUND = 0.5
"""Minimum IoU of a found region."""


@dataclass(frozen=True)
class Region:
    """One true region and its best proposal.

    Attributes:
        iou: IoU of the best proposal; 0 without proposals.
        rank: rank of the best proposal, from 0; -1 without proposals.
        iou_ten: best IoU among the ten best proposals.
        covered: share of the region covered by the proposal.
        inside: share of the proposal inside the region.
        share: share of the image.
        on_frame: whether the region touches the image border.
        pieces: connected components of at least 1 % of the region.
        colour_contrast: distance in CIE Lab between the mean colours of the region and of a ring around it.
        spread: standard deviation of the region's colours in CIE Lab.
        width: radius of the largest inscribed disc over that of a disc of equal area: 1 is round, 0 thin.
        neighbours: number of true regions in the image.
    """

    iou: float
    rank: int
    iou_ten: float
    covered: float
    inside: float
    share: float
    on_frame: bool
    pieces: int
    colour_contrast: float
    spread: float
    width: float
    neighbours: int


def measure_regions(image: ImageArray, true: Masks, proposed: Masks) -> list[Region]:
    """Measure every true region of an image, in the given order.

    Args:
        image: (H, W, 3) uint8.
        true: (T, H, W).
        proposed: (N, H, W), best first.
    """
    iou, which = best_iou(proposed, true)
    ten, _ = best_iou(proposed[:TEN], true)
    lab = rgb2lab(image).astype(np.float32)
    found = []
    for row, mask in enumerate(true):
        rank = int(which[row])
        best = proposed[rank] if rank >= 0 else np.zeros_like(mask)
        common = int((best & mask).sum())
        found.append(
            Region(
                iou=float(iou[row]),
                rank=rank,
                iou_ten=float(ten[row]),
                covered=common / max(int(mask.sum()), 1),
                inside=common / max(int(best.sum()), 1),
                share=float(mask.mean()),
                on_frame=touches(mask),
                pieces=pieces(mask),
                colour_contrast=colour_contrast(lab, mask),
                spread=float(np.sqrt(lab[mask].var(0).sum())),
                width=width(mask),
                neighbours=len(true),
            )
        )
    return found


def touches(mask: NDArray[np.bool_]) -> bool:
    """Whether a mask (H, W) touches the image border."""
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def pieces(mask: NDArray[np.bool_]) -> int:
    """Number of connected components (8-neighbourhood) of a mask (H, W), without those below 1 % of it."""
    labels, _ = components(mask, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    return int((sizes >= 0.01 * sizes.sum()).sum())


def colour_contrast(lab: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Lab distance of the mean colours of a mask (H, W) and of a ring around it; 0 without a ring."""
    ring = binary_dilation(mask, iterations=RING) & ~mask
    if not ring.any():
        return 0.0
    return float(np.linalg.norm(lab[mask].mean(0) - lab[ring].mean(0)))


def width(mask: NDArray[np.bool_]) -> float:
    """Radius of the largest disc in a mask (H, W) over that of a disc of its area; borders are no edge."""
    if mask.all():
        return 1.0
    radius = float(distance_transform_edt(mask).max())
    return min(1.0, radius / float(np.sqrt(mask.sum() / np.pi)))


def how_missed(region: Region) -> str:
    """Type of miss: found; in pieces (proposal inside region); swallowed (region inside proposal); beside."""
    if region.iou >= FOUND:
        return "found"
    if region.inside >= 0.7 and region.inside > region.covered:
        return "in pieces"
    if region.covered >= 0.7:
        return "swallowed"
    return "beside"


def mean_iou(regions: Sequence[Region]) -> float:
    """Mean best IoU; 0 without regions."""
    return sum(region.iou for region in regions) / max(len(regions), 1)
