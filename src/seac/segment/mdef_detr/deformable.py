"""Multi-scale deformable attention (Zhu et al., ICLR 2021, Eq. 3) in plain PyTorch, twice.

Each query and head looks at 4 points on each of 4 levels, bilinear between cells, zero outside, and adds up what
it finds there. With cells in rows of a table this is one weighted sum of 64 rows (16 points, 4 corners each):
:class:`Bags` has ``embedding_bag`` read and add them in one go, which on a CPU is many times faster than to
sample 16 maps and add them up (:class:`Grids`, the usual way, kept for other devices).
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seac.segment.mdef_detr.position import Shapes, extents

HEADS = 8
LEVELS = 4
POINTS = 4


class Values(Protocol):
    """What is looked at, laid out for fast sampling."""

    def sample(self, cells: Tensor, weights: Tensor) -> Tensor:
        """Weighted sum of bilinear samples.

        Args:
            cells: (B, Q, M, L, P, 2) float32, x then y in cells of level l; 0 is the centre of the first.
            weights: (B, Q, M, L, P) float32.

        Returns:
            (B, Q, M * D) float32.
        """
        ...


class Grids:
    """One ``grid_sample`` per level: runs wherever PyTorch does.

    Args:
        value: (B, S, M, D) float32.
        shapes: (H_l, W_l) of each level.
    """

    def __init__(self, value: Tensor, shapes: Shapes) -> None:
        B, _, M, D = value.shape
        parts = value.split([height * width for height, width in shapes], 1)
        self._maps = [
            part.permute(0, 2, 3, 1).reshape(B * M, D, *shape)
            for part, shape in zip(parts, shapes, strict=True)
        ]
        self._extents = extents(shapes, value.device)

    def sample(self, cells: Tensor, weights: Tensor) -> Tensor:
        """See :class:`Values`."""
        B, Q, M, L, P, _ = cells.shape
        grid = (2 * cells + 1) / self._extents[:, None] - 1
        grid = grid.transpose(1, 2).reshape(B * M, Q, L, P, 2)
        found = [
            F.grid_sample(level, grid[:, :, index], align_corners=False)
            for index, level in enumerate(self._maps)
        ]
        share = weights.transpose(1, 2).reshape(B * M, 1, Q, L * P)
        summed = (torch.cat(found, -1) * share).sum(-1)
        return summed.view(B, -1, Q).transpose(1, 2)


class Bags:
    """All levels in one table of rows; each query and head is a bag of 4 L P weighted rows.

    Every level has a frame of zeros around it, so a point outside needs no rule: it is clamped to the frame.

    Args:
        value: (B, S, M, D) float32.
        shapes: (H_l, W_l) of each level.
    """

    def __init__(self, value: Tensor, shapes: Shapes) -> None:
        B, _, M, D = value.shape
        device = value.device
        framed = [(height + 2) * (width + 2) for height, width in shapes]
        # A point on the right or lower frame has corners one step further, of weight zero: they need rows too.
        self._rows = sum(framed) + max(width for _, width in shapes) + 3
        table = value.new_zeros(B, M, self._rows, D)
        start, starts, first = 0, [], 0
        for (height, width), size in zip(shapes, framed, strict=True):
            part = value[:, first : first + height * width].view(B, height, width, M, D)
            place = table[:, :, start : start + size].view(B, M, height + 2, width + 2, D)
            place[:, :, 1:-1, 1:-1] = part.permute(0, 3, 1, 2, 4)
            starts.append(start + width + 3)
            start, first = start + size, first + height * width
        self._table = table.view(-1, D)
        bags = torch.arange(B * M, device=device, dtype=torch.int32) * self._rows
        self._bags = bags.view(B, 1, M, 1, 1)
        self._greatest = extents(shapes, device)[:, None]
        strides = torch.tensor([width + 2 for _, width in shapes], device=device, dtype=torch.int32)
        self._strides = strides[:, None]
        self._starts = torch.tensor(starts, device=device, dtype=torch.int32)[:, None]

    def sample(self, cells: Tensor, weights: Tensor) -> Tensor:
        """See :class:`Values`."""
        B, Q, M, L, P, _ = cells.shape
        cells = cells.clamp(min=-1).minimum(self._greatest)
        low = cells.floor()
        right, lower = (cells - low).unbind(-1)
        x, y = low.int().unbind(-1)
        corner = y * self._strides + x + (self._starts + self._bags)
        below = corner + self._strides
        rows = torch.stack((corner, corner + 1, below, below + 1), -1)
        lower = lower * weights
        upper = weights - lower
        upper_right, lower_right = upper * right, lower * right
        shares = torch.stack((upper - upper_right, upper_right, lower - lower_right, lower_right), -1)
        size = (B * Q * M, 4 * L * P)
        summed = F.embedding_bag(
            rows.view(size), self._table, per_sample_weights=shares.view(size), mode="sum"
        )
        return summed.view(B, Q, -1)


def values(value: Tensor, shapes: Shapes) -> Values:
    """The faster layout for the device that ``value``, (B, S, M, D), is on."""
    return Bags(value.float(), shapes) if value.device.type == "cpu" else Grids(value.float(), shapes)


def sample(value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """The bare sampling core.

    Args:
        value: (B, S, M, D) float32, M heads of D channels; S cells, level after level, row after row.
        shapes: (H_l, W_l) of each level.
        locations: (B, Q, M, L, P, 2) float32, x then y; a level is 0..1 from edge to edge.
        weights: (B, Q, M, L, P) float32.

    Returns:
        (B, Q, M * D) float32.
    """
    cells = locations * extents(shapes, value.device)[:, None] - 0.5
    return values(value, shapes).sample(cells, weights)


class DeformableAttention(nn.Module):
    """The four linear maps around the sampling core; names as released."""

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.sampling_offsets = nn.Linear(channels, HEADS * LEVELS * POINTS * 2)
        self.attention_weights = nn.Linear(channels, HEADS * LEVELS * POINTS)
        self.value_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)

    def lay_out(self, memory: Tensor, shapes: Shapes, real: Tensor | None) -> Values:
        """Project what is looked at.

        Args:
            memory: (B, S, C).
            shapes: (H_l, W_l) of each level.
            real: (B, S) bool, false on cells whose value is to be zero; None if there are none.
        """
        value = self.value_proj(memory)
        if real is not None:
            value = value.masked_fill(~real[..., None], 0)
        return values(value.view(*value.shape[:2], HEADS, -1), shapes)

    def forward(self, query: Tensor, reference: Tensor, looked_at: Values) -> Tensor:
        """Look around the reference points.

        Args:
            query: (B, Q, C), position added.
            reference: (B, Q, L, 2) float32 in cells of each level, see :func:`in_cells`.
            looked_at: from :meth:`lay_out`.

        Returns:
            (B, Q, C).
        """
        B, Q, _ = query.shape
        # Coordinates need all 24 bits: half precision would move a point by a third of a cell.
        offsets = self.sampling_offsets(query).float().view(B, Q, HEADS, LEVELS, POINTS, 2)
        weights = self.attention_weights(query).float().view(B, Q, HEADS, -1).softmax(-1)
        found = looked_at.sample(
            reference[:, :, None, :, None] + offsets, weights.view(B, Q, HEADS, LEVELS, POINTS)
        )
        return self.output_proj(found.to(query.dtype))  # type: ignore[no-any-return]
