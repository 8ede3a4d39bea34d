"""From the network's answer to boxes in pixels; steps 11 and 12."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from seac.segment.ops import nms

LIMIT = 0.5


class Boxes(NamedTuple):
    """Boxes of one picture.

    Attributes:
        boxes: (n, 4) int32, x1, y1, x2, y2 in pixels of the picture.
        scores: (n,) float32 in 0..1.
    """

    boxes: Tensor
    scores: Tensor


def objectness(logits: Tensor) -> Tensor:
    """(..., classes) to (...): one minus the probability of "no object", the last class."""
    return 1 - logits.float().softmax(-1)[..., -1]


def corners(boxes: Tensor, height: int, width: int) -> Tensor:
    """(..., 4) cx, cy, w, h in 0..1 to (..., 4) float32 x1, y1, x2, y2 in pixels."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    shares = torch.cat((centre - 0.5 * size, centre + 0.5 * size), -1)
    return shares * torch.tensor([width, height, width, height], device=boxes.device, dtype=boxes.dtype)


def whole_pixels(boxes: Tensor) -> Tensor:
    """Coordinates cut to int32, towards zero."""
    return boxes.trunc().to(torch.int32)


def merge(boxes: Tensor, scores: Tensor, limit: float = LIMIT) -> Boxes:
    """Greedy NMS; a box from x1 to x2 is x2 - x1 + 1 wide.

    Args:
        boxes: (N, 4) xyxy in pixels.
        scores: (N,).
        limit: greatest IoU that two survivors may have.

    Returns:
        The survivors, best first; of equal scores the later comes first, as in the original.
    """
    order = scores.flip(0).argsort(descending=True, stable=True)
    order = len(scores) - 1 - order
    boxes, scores = boxes[order], scores[order]
    kept = nms(overlap(boxes), limit).to(boxes.device)
    return Boxes(boxes[kept], scores[kept])


def overlap(boxes: Tensor) -> Tensor:
    """IoU of every pair of (N, 4) boxes, widths and heights counted + 1: (N, N) float64."""
    exact = boxes.cpu().double()
    lower, upper = exact[:, :2], exact[:, 2:]
    area = (upper - lower + 1).prod(-1)
    inner = torch.minimum(upper[:, None], upper) - torch.maximum(lower[:, None], lower) + 1
    shared = inner.clamp(min=0).prod(-1)
    return shared / (area[:, None] + area - shared)
