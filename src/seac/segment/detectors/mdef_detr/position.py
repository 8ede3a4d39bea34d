"""Where things are: padding masks of the levels, valid ratios, sine positions, reference points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

TEMPERATURE = 10_000.0
Shapes = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Levels:
    """The geometry of a batch on all levels; S = sum of H_l W_l.

    Attributes:
        shapes: (H_l, W_l) of each level.
        masks: (B, H_l, W_l) bool of each level, true on what is real; None if nothing is padded.
        ratios: (B, L, 2) float32: the share of a level's width and height that is real.
    """

    shapes: Shapes
    masks: tuple[Tensor, ...] | None
    ratios: Tensor

    @property
    def real(self) -> Tensor | None:
        """(B, S) bool, all levels in a row, true on what is real; None if everything is."""
        if self.masks is None:
            return None
        return torch.cat([mask.flatten(1) for mask in self.masks], 1)


def levels_of(shapes: Shapes, pixel_mask: Tensor | None, batch: int, device: torch.device) -> Levels:
    """Geometry of the levels of these shapes.

    Args:
        shapes: (H_l, W_l) of each level.
        pixel_mask: (B, H, W), non-zero on what is real; None if everything is.
        batch: B.
        device: where the tensors go.
    """
    if pixel_mask is None or bool(pixel_mask.bool().all()):
        return Levels(shapes, None, torch.ones(batch, len(shapes), 2, device=device))
    # Each level looks at the full mask, the fourth too: a mask of a mask would round twice.
    full = pixel_mask[:, None].bool().float()
    masks = tuple(F.interpolate(full, size=shape, mode="nearest")[:, 0].bool() for shape in shapes)
    ratios = [
        torch.stack([mask[:, 0, :].float().mean(1), mask[:, :, 0].float().mean(1)], -1) for mask in masks
    ]
    return Levels(shapes, masks, torch.stack(ratios, 1))


def sine_positions(levels: Levels, channels: int = 256) -> list[Tensor]:
    """Sine position of every cell: half the channels for y, then half for x; sin on even, cos on odd ones.

    The running count of real cells is *not* shifted by one half, unlike in transformers' Deformable DETR.

    Args:
        levels: the geometry.
        channels: C, a multiple of 4.

    Returns:
        (B or 1, H_l, W_l, C) float32 for each level; 1 where all pictures share it.
    """
    device, axis = levels.ratios.device, channels // 2
    if levels.masks is None:
        # Nothing padded: a row's position depends on y alone, a column's on x alone.
        return [_grid(height, width, axis, device) for height, width in levels.shapes]
    positions = []
    for mask in levels.masks:
        rows, columns = mask.float().cumsum(1), mask.float().cumsum(2)
        y = waves(rows / (rows[:, -1:, :] + 1e-6), axis)
        x = waves(columns / (columns[:, :, -1:] + 1e-6), axis)
        positions.append(torch.cat((y, x), -1))
    return positions


def _grid(height: int, width: int, axis: int, device: torch.device) -> Tensor:
    y = waves(_counted(height, device), axis)[:, None].expand(height, width, axis)
    x = waves(_counted(width, device), axis)[None].expand(height, width, axis)
    return torch.cat((y, x), -1)[None]


def _counted(length: int, device: torch.device) -> Tensor:
    count = torch.arange(1, length + 1, device=device, dtype=torch.float32)
    return count / (count[-1:] + 1e-6)


def waves(share: Tensor, axis: int) -> Tensor:
    """Sines and cosines, (..., axis), of positions in 0..1, (...)."""
    channel = torch.arange(axis // 2, device=share.device, dtype=torch.float32)
    angle = (share * (2 * math.pi))[..., None] / TEMPERATURE ** (2 * channel / axis)
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(-2)


def location_centres(levels: Levels) -> Tensor:
    """Centre of every cell, x then y, as a share of the real extent of its level: (B, S, 2) float32."""
    device, points = levels.ratios.device, []
    for level, (height, width) in enumerate(levels.shapes):
        y = torch.linspace(0.5, height - 0.5, height, device=device)
        x = torch.linspace(0.5, width - 0.5, width, device=device)
        ratio = levels.ratios[:, level]
        down = (y / (ratio[:, 1, None] * height))[:, :, None].expand(-1, height, width)
        right = (x / (ratio[:, 0, None] * width))[:, None, :].expand(-1, height, width)
        points.append(torch.stack((right, down), -1).flatten(1, 2))
    return torch.cat(points, 1)


def to_pixel_coordinates(points: Tensor, levels: Levels, repeat: int) -> Tensor:
    """Points as shares of the real extent, in the cells of each level: 0 is the centre of the first.

    Args:
        points: (B, Q, 2) float32, x then y.
        levels: the geometry.
        repeat: P, how often each level's is repeated.

    Returns:
        (B, Q, 2, L P) float32, x then y.
    """
    coordinates = points[:, :, None] * levels.ratios[:, None] * extents(levels.shapes, points.device) - 0.5
    return coordinates.transpose(2, 3).repeat_interleave(repeat, 3)


def extents(shapes: Shapes, device: torch.device) -> Tensor:
    """(W_l, H_l) of each level: (L, 2) float32."""
    return torch.tensor([(width, height) for height, width in shapes], dtype=torch.float32, device=device)
