"""Post-processing: from the network's predictions to boxes in pixels; steps 11 and 12."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from seac.segment.ops import nms

LIMIT = 0.5


class Boxes(NamedTuple):
    """Boxes of one image.

    Attributes:
        boxes: (n, 4) int32, x1, y1, x2, y2 in pixels of the image.
        scores: (n,) float32 in [0, 1].
    """

    boxes: Tensor
    scores: Tensor


def objectness(logits: Tensor) -> Tensor:
    """Return one minus the probability of the last class, "no object": (...) from logits (..., classes)."""
    return 1 - logits.float().softmax(-1)[..., -1]


def corners(boxes: Tensor, height: int, width: int) -> Tensor:
    """Convert boxes (..., 4) cx, cy, w, h in [0, 1] to (..., 4) float32 x1, y1, x2, y2 in pixels."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    shares = torch.cat((centre - 0.5 * size, centre + 0.5 * size), -1)
    return shares * torch.tensor([width, height, width, height], device=boxes.device, dtype=boxes.dtype)


def truncate(boxes: Tensor) -> Tensor:
    """Truncate coordinates towards zero, to int32."""
    return boxes.trunc().to(torch.int32)


def merge(boxes: Tensor, scores: Tensor, limit: float = LIMIT) -> Boxes:
    """Apply greedy NMS; a box from x1 to x2 is x2 - x1 + 1 wide.

    Args:
        boxes: (N, 4) xyxy in pixels.
        scores: (N,).
        limit: maximum IoU of two survivors.

    Returns:
        The survivors, best first; of equal scores the later comes first, as in the original code.
    """
    order = scores.flip(0).argsort(descending=True, stable=True)
    order = len(scores) - 1 - order
    boxes, scores = boxes[order], scores[order]
    keep = nms(overlap(boxes), limit).to(boxes.device)
    return Boxes(boxes[keep], scores[keep])


def overlap(boxes: Tensor) -> Tensor:
    """Return the IoU (N, N) float64 of every pair of boxes (N, 4), with widths and heights increased by 1."""
    exact = boxes.cpu().double()
    lower, upper = exact[:, :2], exact[:, 2:]
    area = (upper - lower + 1).prod(-1)
    inner = torch.minimum(upper[:, None], upper) - torch.maximum(lower[:, None], lower) + 1
    intersection = inner.clamp(min=0).prod(-1)
    return intersection / (area[:, None] + area - intersection)
