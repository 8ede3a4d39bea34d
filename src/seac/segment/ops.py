"""Geometry of masks and boxes; of masks or boxes that say nearly the same, the best one stays.

The intersections of all pairs are one matrix product of the flattened masks. NMS loops over the survivors
only; each step is one vectorised row.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.core.types import Proposals


def pairwise_iou(rows: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the intersection over union of every pair of masks.

    Args:
        rows: (N, P) bool or float in {0, 1}, one flattened mask per row.
        weights: (P,) float area of each column (for example of superpixels), or None for pixels.

    Returns:
        (N, N) float32 in [0, 1]; two empty masks have 0.
    """
    dense = rows.to(torch.float32)
    weighted = dense if weights is None else dense * weights.to(torch.float32)
    intersection = weighted @ dense.T
    area = weighted.sum(1)
    union = area[:, None] + area[None, :] - intersection
    return intersection / union.clamp_min(1e-6)


def nms(iou: Tensor, limit: float, max_count: int | None = None) -> Tensor:
    """Return the indices that survive greedy non-maximum suppression.

    Args:
        iou: (N, N) float32, rows and columns ordered best first.
        limit: maximum IoU of two survivors.
        max_count: maximum number of survivors; None for no limit.

    Returns:
        (K,) int64, ascending, so still best first.
    """
    exceeds = (iou > limit).cpu().numpy()
    alive = torch.ones(len(iou), dtype=torch.bool).numpy()
    keep: list[int] = []
    for index in range(len(alive)):
        if not alive[index]:
            continue
        keep.append(index)
        if max_count is not None and len(keep) == max_count:
            break
        alive &= ~exceeds[index]
    return torch.tensor(keep, dtype=torch.int64)


def mask_nms(masks: Tensor, scores: Tensor, limit: float = 0.7, max_count: int | None = None) -> Tensor:
    """Return the indices of the masks that survive NMS, best first.

    Args:
        masks: (N, H, W) bool.
        scores: (N,) float; the higher, the better. Equal scores keep their order.
        limit: maximum IoU of two survivors.
        max_count: maximum number of survivors; None for no limit.

    Returns:
        (K,) int64 indices into ``masks``.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    return order[nms(pairwise_iou(masks.flatten(1)[order]), limit, max_count)]


def box_iou(rows: Tensor, columns: Tensor) -> Tensor:
    """Intersection over union of every box of one set with every box of another.

    Args:
        rows: (N, 4) float xyxy.
        columns: (M, 4) float xyxy, in the same units.

    Returns:
        (N, M) in [0, 1], of the boxes' dtype; NaN for two boxes without area.
    """
    top_left = torch.maximum(rows[:, None, :2], columns[None, :, :2])
    bottom_right = torch.minimum(rows[:, None, 2:], columns[None, :, 2:])
    intersection = (bottom_right - top_left).clamp_min(0).prod(-1)
    area_rows = (rows[:, 2:] - rows[:, :2]).prod(-1)
    area_columns = (columns[:, 2:] - columns[:, :2]).prod(-1)
    return intersection / (area_rows[:, None] + area_columns[None, :] - intersection)


def box_nms(boxes: Tensor, scores: Tensor, limit: float, max_count: int | None = None) -> Tensor:
    """Indices of the boxes that stay, best first: the numbers of ``torchvision.ops.nms``.

    Each survivor costs one row of overlaps, so memory grows with N and not with its square.

    Args:
        boxes: (N, 4) float xyxy.
        scores: (N,) float; the higher, the better. Equal scores keep their order.
        limit: greatest IoU that two survivors may have.
        max_count: keep at most this many.

    Returns:
        (K,) int64 indices into ``boxes``, on the device of ``boxes``.
    """
    left = torch.argsort(scores, descending=True, stable=True)
    kept: list[Tensor] = []
    while len(left) and (max_count is None or len(kept) < max_count):
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[~(box_iou(boxes[best][None], boxes[left])[0] > limit)]
    return torch.stack(kept) if kept else left[:0]


def box_corners(boxes: Tensor) -> Tensor:
    """Boxes (..., 4) float, centre x, centre y, width, height, as (..., 4) xyxy of the same dtype."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat([centre - 0.5 * size, centre + 0.5 * size], -1)


def resize_image(image: Tensor, height: int, width: int) -> Tensor:
    """Resize ``image`` (3, H, W) uint8 to (3, height, width) float32 in [0, 255], antialiased."""
    pixels = image.to(torch.float32)[None]
    if pixels.shape[-2:] == (height, width):
        return pixels[0]
    return F.interpolate(pixels, (height, width), mode="bilinear", antialias=True, align_corners=False)[0]


def working_size(height: int, width: int, long_side: int, multiple: int = 1) -> tuple[int, int]:
    """Return (height, width), multiples of ``multiple``, with a longer side of at most ``long_side``."""
    scale = min(1.0, long_side / max(height, width))
    return (
        max(multiple, round(height * scale / multiple) * multiple),
        max(multiple, round(width * scale / multiple) * multiple),
    )


def boxes_of(masks: Tensor) -> Tensor:
    """Return the boxes (N, 4) float32 xyxy of ``masks`` (N, H, W) bool; x2, y2 exclusive; zeros if empty."""
    n, height, width = masks.shape
    if n == 0:
        return torch.zeros(0, 4)
    values = masks.view(
        torch.uint8
    )  # amax of bytes is vectorised, any() of booleans is not: ten times faster
    columns, rows = values.amax(1), values.amax(2)
    x1, y1 = columns.argmax(1), rows.argmax(1)
    x2, y2 = width - columns.flip(1).argmax(1), height - rows.flip(1).argmax(1)
    boxes = torch.stack([x1, y1, x2, y2], 1).to(torch.float32)
    return torch.where(columns.bool().any(1)[:, None], boxes, torch.zeros(()))


def nonempty(masks: Tensor) -> Tensor:
    """Return which of ``masks`` (N, H, W) bool have at least one pixel: (N,) bool."""
    if len(masks) == 0:
        return torch.zeros(0, dtype=torch.bool)
    return masks.view(torch.uint8).flatten(1).amax(1).bool()


def enlarge(masks: Tensor, height: int, width: int) -> Tensor:
    """Resize ``masks`` (N, h, w), bool or logits, bilinearly to (N, height, width) bool.

    Masks are resized one at a time, so memory is bounded by one float mask of the frame's size.
    """
    hard = masks.dtype == torch.bool
    threshold = 0.5 if hard else 0.0
    if masks.shape[-2:] == (height, width):
        return masks if hard else masks > threshold
    larger = torch.empty(len(masks), height, width, dtype=torch.bool)
    for row, mask in zip(larger, masks, strict=True):
        soft = F.interpolate(mask[None, None].float(), (height, width), mode="bilinear", align_corners=False)
        torch.gt(soft[0, 0], threshold, out=row)
    return larger


def whole_frame(height: int, width: int) -> Proposals:
    """Return the fallback proposal of a frame without masks: the full frame with score 0."""
    masks = torch.ones(1, height, width, dtype=torch.bool)
    return Proposals(masks, boxes_of(masks), torch.zeros(1))
