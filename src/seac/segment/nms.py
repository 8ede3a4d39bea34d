"""Mask non-maximum suppression: of masks that say nearly the same, the best one stays.

The intersections of all pairs are one matrix product of the flattened masks; suppression itself is a loop
over the survivors only, each step one vectorised row.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pairwise_iou(rows: Tensor, weights: Tensor | None = None) -> Tensor:
    """Intersection over union of every pair of masks.

    Args:
        rows: (N, P) bool or float in {0, 1}, one flattened mask per row.
        weights: (P,) float, the area of each column (superpixels, say), or None for pixels.

    Returns:
        (N, N) float32 in [0, 1]; two empty masks have 0.
    """
    dense = rows.to(torch.float32)
    weighted = dense if weights is None else dense * weights.to(torch.float32)
    intersection = weighted @ dense.T
    area = weighted.sum(1)
    union = area[:, None] + area[None, :] - intersection
    return intersection / union.clamp_min(1e-6)


def suppress(iou: Tensor, limit: float, most: int | None = None) -> Tensor:
    """Indices that survive when rows come best first and a pair may overlap by at most ``limit``.

    Args:
        iou: (N, N) float32, rows and columns ordered best first.
        limit: greatest IoU that two survivors may have.
        most: stop after this many survivors.

    Returns:
        (K,) int64, ascending (so still best first).
    """
    clash = (iou > limit).cpu().numpy()
    alive = torch.ones(len(iou), dtype=torch.bool).numpy()
    kept: list[int] = []
    for index in range(len(alive)):
        if not alive[index]:
            continue
        kept.append(index)
        if most is not None and len(kept) == most:
            break
        alive &= ~clash[index]
    return torch.tensor(kept, dtype=torch.int64)


def mask_nms(masks: Tensor, scores: Tensor, limit: float = 0.7, most: int | None = None) -> Tensor:
    """Indices of the masks that stay, best first.

    Args:
        masks: (N, H, W) bool.
        scores: (N,) float; the higher, the better. Equal scores keep their order.
        limit: greatest IoU that two survivors may have.
        most: keep at most this many.

    Returns:
        (K,) int64 indices into ``masks``.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    return order[suppress(pairwise_iou(masks.flatten(1)[order]), limit, most)]
