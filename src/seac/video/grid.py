"""Masks on a coarse grid, and the motion of grids between key frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

GRID = 48
"""Cells per side of the grid on which masks are compared, in place of pixels."""
MIN_PIXELS = 400
"""Minimum number of sampled pixels of a mask from which its coverage is estimated."""


def to_grid(masks: Tensor) -> Tensor:
    """Share of each cell of a grid that masks (N, H, W) bool cover: (N, GRID * GRID) float32.

    In large images pixels are subsampled to about nine per cell. A mask with too few sampled pixels,
    because it is thin or small, is evaluated at full resolution.
    """
    height, width = (max(1, side // (3 * GRID)) for side in masks.shape[-2:])
    counted = masks[:, ::height, ::width]
    grid = _pooled(counted)
    little = counted.flatten(1).sum(1) < MIN_PIXELS
    if height * width > 1 and little.any():
        grid[little] = _pooled(masks[little])
    return grid


def _pooled(masks: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(masks[:, None].float(), GRID).flatten(1)


def overlap(grids: Tensor, others: Tensor) -> Tensor:
    """IoU of grids (N, GRID * GRID) with others (M, GRID * GRID): (N, M), sums of minima over maxima."""
    both, distance = grids.sum(1)[:, None] + others.sum(1), torch.cdist(grids, others, p=1)
    return (both - distance) / (both + distance).clamp_min(1e-6)


def centres(grids: Tensor) -> Tensor:
    """Centre (x, y) of grids (N, GRID * GRID) in cells: (N, 2); the middle for an empty grid."""
    at = torch.arange(GRID, dtype=torch.float32) + 0.5
    cells = grids.view(-1, GRID, GRID)
    area = cells.sum((1, 2))
    found = torch.stack([(cells.sum(1) * at).sum(1), (cells.sum(2) * at).sum(1)], 1) / area[:, None]
    return torch.where(area[:, None] > 0, found, torch.full_like(found, GRID / 2))


def shift(grids: Tensor, offsets: Tensor) -> Tensor:
    """Grids (N, GRID * GRID) moved by offsets (N, 2) in cells, x then y; what leaves the frame is lost."""
    theta = torch.eye(2, 3).repeat(len(grids), 1, 1)
    theta[:, :, 2] = -2 * offsets / GRID
    places = functional.affine_grid(theta, [len(grids), 1, GRID, GRID], align_corners=False)
    return _sample(grids, places)


def _sample(grids: Tensor, places: Tensor) -> Tensor:
    cells = grids.view(-1, 1, GRID, GRID)
    return functional.grid_sample(cells, places, align_corners=False).flatten(1)


def _cell_centres() -> Tensor:
    """Centres of all cells, x and y from -1 to 1 over the frame: (GRID, GRID, 2)."""
    at = (torch.arange(GRID, dtype=torch.float32) + 0.5) / GRID * 2 - 1
    return torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)


@dataclass(frozen=True)
class GridMotion:
    """Motion from the key frame before to this one.

    Attributes:
        places: (GRID, GRID, 2) where each cell was, x and y from -1 to 1 over the frame.
    """

    places: Tensor

    @classmethod
    def from_flow(cls, flow: Tensor) -> GridMotion:
        """Motion from the flow (h, w, 2) float32 of this key frame to the one before, see :mod:`.flow`.

        Pixel (x, y) of this key frame was at (x, y) + flow, in pixels of (h, w).
        """
        size = torch.tensor([flow.shape[1], flow.shape[0]], dtype=torch.float32)
        pooled = functional.adaptive_avg_pool2d((flow.float() / size).permute(2, 0, 1), GRID)
        return cls(_cell_centres() + 2 * pooled.permute(1, 2, 0))

    def warp(self, grids: Tensor) -> Tensor:
        """Grids (N, GRID * GRID) of the key frame before, where they are now."""
        return _sample(grids, self.places.expand(len(grids), -1, -1, -1))

    def displacements(self) -> Tensor:
        """Motion of each cell in cells: (GRID * GRID, 2), NaN where it was outside of the frame."""
        moved = (_cell_centres() - self.places) * GRID / 2
        outside = (self.places.abs() > 1).any(-1, keepdim=True)
        return torch.where(outside, torch.nan, moved).view(-1, 2)

    def camera(self) -> Tensor:
        """Motion of the camera in cells, (2,): the median of all cells; 0 if all were outside."""
        return self.displacements().nanmedian(0).values.nan_to_num()

    def of(self, grids: Tensor) -> Tensor:
        """Median motion of the cells that each of grids (N, GRID * GRID) covers, in cells: (N, 2)."""
        covered = grids > 0.5 * grids.amax(1, keepdim=True)
        moved = torch.where(covered[..., None], self.displacements(), torch.nan)
        return moved.nanmedian(1).values.nan_to_num()
