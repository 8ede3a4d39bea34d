"""Sizes: how a frame is brought to a working size, and how masks are boxed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.base import Proposals


def resize_image(image: Tensor, height: int, width: int) -> Tensor:
    """``image`` (3, H, W) uint8 as (3, height, width) float32 in [0, 255], antialiased."""
    pixels = image.to(torch.float32)[None]
    if pixels.shape[-2:] == (height, width):
        return pixels[0]
    return F.interpolate(pixels, (height, width), mode="bilinear", antialias=True, align_corners=False)[0]


def working_size(height: int, width: int, long_side: int, multiple: int = 1) -> tuple[int, int]:
    """(height, width) with the longer side at most ``long_side``, multiples of ``multiple``, never 0."""
    scale = min(1.0, long_side / max(height, width))
    return (
        max(multiple, round(height * scale / multiple) * multiple),
        max(multiple, round(width * scale / multiple) * multiple),
    )


def boxes_of(masks: Tensor) -> Tensor:
    """Boxes around ``masks`` (N, H, W) bool: (N, 4) float32 xyxy, x2 and y2 exclusive; zeros if empty."""
    n, height, width = masks.shape
    if n == 0:
        return torch.zeros(0, 4)
    cells = masks.view(torch.uint8)  # amax of bytes is vectorised, any of booleans is not: ten times faster
    columns, rows = cells.amax(1), cells.amax(2)
    x1, y1 = columns.argmax(1), rows.argmax(1)
    x2, y2 = width - columns.flip(1).argmax(1), height - rows.flip(1).argmax(1)
    boxes = torch.stack([x1, y1, x2, y2], 1).to(torch.float32)
    return torch.where(columns.bool().any(1)[:, None], boxes, torch.zeros(()))


def seen(masks: Tensor) -> Tensor:
    """Which of ``masks`` (N, H, W) bool have a pixel: (N,) bool."""
    if len(masks) == 0:
        return torch.zeros(0, dtype=torch.bool)
    return masks.view(torch.uint8).flatten(1).amax(1).bool()


def enlarge(masks: Tensor, height: int, width: int) -> Tensor:
    """``masks`` (N, h, w), bool or logits, at the frame's size: (N, height, width) bool, outlines smoothed.

    One at a time: memory stays at one float mask, however large the frame is.
    """
    hard = masks.dtype == torch.bool
    least = 0.5 if hard else 0.0
    if masks.shape[-2:] == (height, width):
        return masks if hard else masks > least
    larger = torch.empty(len(masks), height, width, dtype=torch.bool)
    for row, mask in zip(larger, masks, strict=True):
        soft = F.interpolate(mask[None, None].float(), (height, width), mode="bilinear", align_corners=False)
        torch.gt(soft[0, 0], least, out=row)
    return larger


def whole_frame(height: int, width: int) -> Proposals:
    """The one proposal of a frame in which nothing is found: everything, with score 0."""
    masks = torch.ones(1, height, width, dtype=torch.bool)
    return Proposals(masks, boxes_of(masks), torch.zeros(1))
