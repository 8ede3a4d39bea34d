"""Interpolates learned position embeddings of a vision transformer to another grid."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def positions(table: Tensor, height: int, width: int) -> Tensor:
    """Interpolate position embeddings (1 + side * side, c), class token first, to a (height, width) grid."""
    side = round((len(table) - 1) ** 0.5)
    if (height, width) == (side, side):
        return table
    grid = table[1:].T.reshape(1, -1, side, side).float()
    grid = functional.interpolate(grid, (height, width), mode="bicubic", align_corners=False)
    return torch.cat([table[:1], grid[0].flatten(1).T.to(table.dtype)])
