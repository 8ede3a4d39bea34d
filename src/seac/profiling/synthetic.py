"""Synthetic image, boxes and masks for timing, generated from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Scene:
    """Image (3, H, W) uint8, boxes (N, 4) float32 xyxy, and masks (N, H, W) bool, an ellipse per box."""

    image: Tensor
    boxes: Tensor
    masks: Tensor


def scene(height: int, width: int, count: int, seed: int = 0) -> Scene:
    """Generate smooth colours with noise, and boxes whose sides are 5 % to 50 % of the frame's sides."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 9, 12, generator=generator) * 255
    smooth = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)[0]
    grain = torch.randn(3, height, width, generator=generator) * 12
    image = (smooth + grain).clamp(0, 255).byte()
    frame = torch.tensor([width, height], dtype=torch.float32)
    sides = frame * (0.05 + 0.45 * torch.rand(count, 2, generator=generator))
    low = (frame - sides) * torch.rand(count, 2, generator=generator)
    boxes = torch.cat([low, low + sides], 1).round()
    return Scene(image, boxes, ellipses(boxes, height, width))


def ellipses(boxes: Tensor, height: int, width: int) -> Tensor:
    """Return the ellipse inscribed in every box: (N, H, W) bool."""
    x, y = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).clamp_min(1) / 2
    across = ((x[None] - middle[:, :1]) / half[:, :1]).square()[:, None, :]
    down = ((y[None] - middle[:, 1:]) / half[:, 1:]).square()[:, :, None]
    return across + down <= 1
