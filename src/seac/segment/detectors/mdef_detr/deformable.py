"""Multi-scale deformable attention (Zhu et al., ICLR 2021, Eq. 3) in plain PyTorch, twice.

Each query and head looks at 4 points on each of 4 levels, bilinear between cells, zero outside, and adds up
what it finds there. With the cells as rows of one table this is a weighted sum of 64 rows (16 points, 4
corners each): :class:`Bags` has ``embedding_bag`` read and add them in one go, which on a CPU is many times
faster than to sample 16 maps and to add those up (:class:`Grids`, the usual way, kept for other devices).

Points of one query and head are numbered level by level: n = (level, point) below, L P of them.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seac.segment.detectors.mdef_detr.position import Shapes, extents

HEADS = 8
LEVELS = 4
POINTS = 4


class Values(Protocol):
    """What is looked at, laid out for fast sampling."""

    def sample(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Weighted sums of bilinear samples.

        Args:
            x: (B, Q, M, L P) float32, in cells of the point's level; 0 is the centre of the first.
            y: likewise.
            weights: (B, Q, M, L P) float32.

        Returns:
            (B, Q, M D) float32.
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
        parts = torch.split(value, [height * width for height, width in shapes], 1)
        self._maps = [
            part.permute(0, 2, 3, 1).reshape(B * M, D, *shape)
            for part, shape in zip(parts, shapes, strict=True)
        ]
        self._extents = extents(shapes, value.device)[:, None]

    def sample(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """See :class:`Values`."""
        B, Q, M, N = x.shape
        L = len(self._maps)
        coordinates = torch.stack((x, y), -1).transpose(1, 2).reshape(B * M, Q, L, N // L, 2)
        grid = (2 * coordinates + 1) / self._extents - 1
        found = [
            F.grid_sample(level, grid[:, :, index], align_corners=False)
            for index, level in enumerate(self._maps)
        ]
        share = weights.transpose(1, 2).reshape(B * M, 1, Q, N)
        return (torch.cat(found, -1) * share).sum(-1).view(B, -1, Q).transpose(1, 2)


class Bags:
    """All levels in one table of rows; each query and head is a bag of 4 L P weighted rows.

    Every level has a frame of zeros around it, so a point outside needs no rule: it is clamped to the frame.

    Args:
        value: (B, S, M, D) float32.
        shapes: (H_l, W_l) of each level.
        points: P.
    """

    def __init__(self, value: Tensor, shapes: Shapes, points: int) -> None:
        B, _, M, D = value.shape
        starts, rows = [], 0
        for height, width in shapes:
            starts.append(rows + width + 3)
            rows += (height + 2) * (width + 2)
        # The corners of a point on the last frame lie a step beyond it: rows of zeros that weigh nothing.
        rows += shapes[-1][1] + 3
        table = value.new_zeros(B, M, rows, D)
        first = 0
        for (height, width), start in zip(shapes, starts, strict=True):
            part = value[:, first : first + height * width].view(B, height, width, M, D)
            framed = table[:, :, start - width - 3 :][:, :, : (height + 2) * (width + 2)]
            framed.view(B, M, height + 2, width + 2, D)[:, :, 1:-1, 1:-1] = part.permute(0, 3, 1, 2, 4)
            first += height * width
        self._table = table.view(-1, D)
        far = extents(shapes, value.device).repeat_interleave(points, 0)
        self._near, self._right, self._lower = torch.full_like(far[:, 0], -1), far[:, 0], far[:, 1]
        self._step = far[:, 0].int() + 2
        self._corners = torch.stack((0 * self._step, 0 * self._step + 1, self._step, self._step + 1))
        bags = torch.arange(B * M, device=value.device, dtype=torch.int32).view(B, 1, M, 1) * rows
        begins = torch.tensor(starts, device=value.device, dtype=torch.int32)
        self._starts = bags + begins.repeat_interleave(points)

    def sample(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """See :class:`Values`."""
        B, Q, M, N = x.shape
        x, y = x.clamp(self._near, self._right), y.clamp(self._near, self._lower)
        left, top = x.floor(), y.floor()
        right, low = x - left, (y - top) * weights
        high = weights - low
        high_right, low_right = high * right, low * right
        shares = torch.stack((high - high_right, high_right, low - low_right, low_right), 3)
        corner = top.int() * self._step + left.int() + self._starts
        rows = corner[:, :, :, None] + self._corners
        size = (B * Q * M, 4 * N)
        summed = F.embedding_bag(
            rows.view(size), self._table, per_sample_weights=shares.view(size), mode="sum"
        )
        return summed.view(B, Q, -1)


def values(value: Tensor, shapes: Shapes, points: int = POINTS) -> Values:
    """The faster layout for the device that ``value``, (B, S, M, D), is on."""
    value = value.float()
    return Bags(value, shapes, points) if value.device.type == "cpu" else Grids(value, shapes)


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
    coordinates = locations * extents(shapes, value.device)[:, None] - 0.5
    x, y = coordinates.flatten(3, 4).unbind(-1)
    return values(value, shapes, locations.shape[4]).sample(x, y, weights.flatten(3))


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

    def projection_weights(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of one linear map to all x offsets, all y offsets and all attention weights."""
        # x and y in blocks of their own: every step of the sampling then runs over contiguous memory.
        offsets, bias = self.sampling_offsets.weight, self.sampling_offsets.bias
        return (
            torch.cat((offsets[0::2], offsets[1::2], self.attention_weights.weight)),
            torch.cat((bias[0::2], bias[1::2], self.attention_weights.bias)),
        )

    def forward(
        self,
        query: Tensor,
        reference: Tensor,
        sampled_values: Values,
        projection: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Look around the reference points.

        Args:
            query: (B, Q, C), position added.
            reference: (B, Q, 2, L P) float32, x and y in cells of each point's level, see :func:`in_cells`.
            sampled_values: from :meth:`lay_out`.
            projection: from :meth:`projection`; None makes it.

        Returns:
            (B, Q, C).
        """
        # Coordinates need all 24 bits: half precision would move a point by a third of a cell.
        x, y, weights = (
            part.view(*part.shape[:2], HEADS, LEVELS * POINTS)
            for part in F.linear(query, *(projection or self.projection_weights())).float().chunk(3, -1)
        )
        x, y = x + reference[:, :, :1], y + reference[:, :, 1:]
        found = sampled_values.sample(x, y, weights.softmax(-1))
        return self.output_proj(found.to(query.dtype))  # type: ignore[no-any-return]
