"""Geometry: padding masks of the levels, valid ratios, sine position encodings and reference points."""

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
    """Geometry of a batch on all levels; S = sum of H_l W_l.

    Attributes:
        shapes: (H_l, W_l) of each level.
        masks: (B, H_l, W_l) bool of each level, false for padding; None if nothing is padded.
        ratios: (B, L, 2) float32, share of a level's width and height that is not padding.
    """

    shapes: Shapes
    masks: tuple[Tensor, ...] | None
    ratios: Tensor

    @property
    def real(self) -> Tensor | None:
        """Masks of all levels concatenated, (B, S) bool, false for padding; None if nothing is padded."""
        if self.masks is None:
            return None
        return torch.cat([mask.flatten(1) for mask in self.masks], 1)


def levels_of(shapes: Shapes, pixel_mask: Tensor | None, batch: int, device: torch.device) -> Levels:
    """Return the geometry of levels with the given shapes.

    Args:
        shapes: (H_l, W_l) of each level.
        pixel_mask: (B, H, W), zero for padding; None if nothing is padded.
        batch: batch size B.
        device: device of the tensors.
    """
    if pixel_mask is None or bool(pixel_mask.bool().all()):
        return Levels(shapes, None, torch.ones(batch, len(shapes), 2, device=device))
    # Every level, the fourth too, is resized from the full mask, to round only once.
    full = pixel_mask[:, None].bool().float()
    masks = tuple(F.interpolate(full, size=shape, mode="nearest")[:, 0].bool() for shape in shapes)
    ratios = [
        torch.stack([mask[:, 0, :].float().mean(1), mask[:, :, 0].float().mean(1)], -1) for mask in masks
    ]
    return Levels(shapes, masks, torch.stack(ratios, 1))


def sine_positions(levels: Levels, channels: int = 256) -> list[Tensor]:
    """Return sine position encodings: half the channels for y, then half for x; sin on even, cos on odd ones.

    The cumulative count of unpadded locations is not shifted by one half, unlike in transformers' Deformable
    DETR.

    Args:
        levels: geometry of the levels.
        channels: C, a multiple of 4.

    Returns:
        (B or 1, H_l, W_l, C) float32 for each level; 1 if all images share the encoding.
    """
    device, axis = levels.ratios.device, channels // 2
    if levels.masks is None:
        # Without padding, the encodings of y and x are shared by all columns and rows.
        return [_grid(height, width, axis, device) for height, width in levels.shapes]
    positions = []
    for mask in levels.masks:
        rows, columns = mask.float().cumsum(1), mask.float().cumsum(2)
        y = waves(rows / (rows[:, -1:, :] + 1e-6), axis)
        x = waves(columns / (columns[:, :, -1:] + 1e-6), axis)
        positions.append(torch.cat((y, x), -1))
    return positions


def _grid(height: int, width: int, axis: int, device: torch.device) -> Tensor:
    y = waves(_relative_positions(height, device), axis)[:, None].expand(height, width, axis)
    x = waves(_relative_positions(width, device), axis)[None].expand(height, width, axis)
    return torch.cat((y, x), -1)[None]


def _relative_positions(length: int, device: torch.device) -> Tensor:
    count = torch.arange(1, length + 1, device=device, dtype=torch.float32)
    return count / (count[-1:] + 1e-6)


def waves(share: Tensor, axis: int) -> Tensor:
    """Return sines and cosines (..., axis) of positions (...) in [0, 1]."""
    channel = torch.arange(axis // 2, device=share.device, dtype=torch.float32)
    angle = (share * (2 * math.pi))[..., None] / TEMPERATURE ** (2 * channel / axis)
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(-2)


def location_centres(levels: Levels) -> Tensor:
    """Return the centres (B, S, 2) float32, x then y, as shares of the unpadded extent of their levels."""
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
    """Convert points from shares of the unpadded extent to feature-map pixels; 0 is the first pixel's centre.

    Args:
        points: (B, Q, 2) float32, x then y.
        levels: geometry of the levels.
        repeat: P, number of repetitions per level.

    Returns:
        (B, Q, 2, L P) float32, x then y.
    """
    coordinates = points[:, :, None] * levels.ratios[:, None] * extents(levels.shapes, points.device) - 0.5
    return coordinates.transpose(2, 3).repeat_interleave(repeat, 3)


def extents(shapes: Shapes, device: torch.device) -> Tensor:
    """Return (W_l, H_l) of each level: (L, 2) float32."""
    return torch.tensor([(width, height) for height, width in shapes], dtype=torch.float32, device=device)
