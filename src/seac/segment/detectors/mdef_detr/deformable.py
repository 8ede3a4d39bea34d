"""Multi-scale deformable attention (Zhu et al., ICLR 2021, Eq. 3) in pure PyTorch, in two implementations.

Each query and head samples 4 points on each of 4 levels, bilinearly and with zero padding, and returns their
weighted sum. With the locations as rows of one table this is a weighted sum of 64 rows (16 points, 4 corners
each). :class:`Bags` computes it with one ``embedding_bag``, which is many times faster on a CPU than to
sample 16 maps and add them (:class:`Grids`, the usual implementation, used on other devices).

The L P points of one query and head are numbered level by level: n = (level, point).
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
    """Value features in a layout for fast sampling."""

    def sample(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Return weighted sums of bilinear samples.

        Args:
            x: (B, Q, M, L P) float32, in feature-map pixels of the point's level; 0 is the first pixel's
                centre.
            y: as ``x``.
            weights: (B, Q, M, L P) float32.

        Returns:
            (B, Q, M D) float32.
        """
        ...


class Grids:
    """One ``grid_sample`` per level; runs on any device.

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
        samples = [
            F.grid_sample(level, grid[:, :, index], align_corners=False)
            for index, level in enumerate(self._maps)
        ]
        share = weights.transpose(1, 2).reshape(B * M, 1, Q, N)
        return (torch.cat(samples, -1) * share).sum(-1).view(B, -1, Q).transpose(1, 2)


class Bags:
    """All levels as rows of one table; each query and head is a bag of 4 L P weighted rows.

    Every level is surrounded by a border of zeros, so points outside are clamped to the border.

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
        # The corners of a point on the last border are one step beyond it: extra rows of zeros.
        rows += shapes[-1][1] + 3
        table = value.new_zeros(B, M, rows, D)
        first = 0
        for (height, width), start in zip(shapes, starts, strict=True):
            part = value[:, first : first + height * width].view(B, height, width, M, D)
            bordered = table[:, :, start - width - 3 :][:, :, : (height + 2) * (width + 2)]
            bordered.view(B, M, height + 2, width + 2, D)[:, :, 1:-1, 1:-1] = part.permute(0, 3, 1, 2, 4)
            first += height * width
        self._table = table.view(-1, D)
        far = extents(shapes, value.device).repeat_interleave(points, 0)
        self._near, self._right, self._lower = torch.full_like(far[:, 0], -1), far[:, 0], far[:, 1]
        self._step = far[:, 0].int() + 2
        self._corners = torch.stack((0 * self._step, 0 * self._step + 1, self._step, self._step + 1))
        bags = torch.arange(B * M, device=value.device, dtype=torch.int32).view(B, 1, M, 1) * rows
        level_starts = torch.tensor(starts, device=value.device, dtype=torch.int32)
        self._starts = bags + level_starts.repeat_interleave(points)

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
        sums = F.embedding_bag(rows.view(size), self._table, per_sample_weights=shares.view(size), mode="sum")
        return sums.view(B, Q, -1)


def values(value: Tensor, shapes: Shapes, points: int = POINTS) -> Values:
    """Return the faster layout for the device of ``value`` (B, S, M, D)."""
    value = value.float()
    return Bags(value, shapes, points) if value.device.type == "cpu" else Grids(value, shapes)


def sample(value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """Return the sampling core of deformable attention, without projections.

    Args:
        value: (B, S, M, D) float32, M heads of D channels; S locations, level by level in row-major order.
        shapes: (H_l, W_l) of each level.
        locations: (B, Q, M, L, P, 2) float32, x then y; each level spans [0, 1] from edge to edge.
        weights: (B, Q, M, L, P) float32.

    Returns:
        (B, Q, M * D) float32.
    """
    coordinates = locations * extents(shapes, value.device)[:, None] - 0.5
    x, y = coordinates.flatten(3, 4).unbind(-1)
    return values(value, shapes, locations.shape[4]).sample(x, y, weights.flatten(3))


class DeformableAttention(nn.Module):
    """The four linear maps around the sampling core, with the released names."""

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.sampling_offsets = nn.Linear(channels, HEADS * LEVELS * POINTS * 2)
        self.attention_weights = nn.Linear(channels, HEADS * LEVELS * POINTS)
        self.value_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)

    def project_values(self, memory: Tensor, shapes: Shapes, real: Tensor | None) -> Values:
        """Project the values and lay them out for sampling.

        Args:
            memory: (B, S, C).
            shapes: (H_l, W_l) of each level.
            real: (B, S) bool, false for locations whose value is set to zero; None if there are none.
        """
        value = self.value_proj(memory)
        if real is not None:
            value = value.masked_fill(~real[..., None], 0)
        return values(value.view(*value.shape[:2], HEADS, -1), shapes)

    def projection_weights(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias of one linear map to all x offsets, y offsets and attention weights."""
        # x and y are separate blocks, so that every step of the sampling runs over contiguous memory.
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
        """Attend to points around the reference points.

        Args:
            query: (B, Q, C), position added.
            reference: (B, Q, 2, L P) float32, x and y in feature-map pixels of each point's level, see
                :func:`to_pixel_coordinates`.
            sampled_values: result of :meth:`project_values`.
            projection: result of :meth:`projection_weights`; None computes it.

        Returns:
            (B, Q, C).
        """
        # Coordinates need float32: half precision would move a point by a third of a feature-map pixel.
        x, y, weights = (
            part.view(*part.shape[:2], HEADS, LEVELS * POINTS)
            for part in F.linear(query, *(projection or self.projection_weights())).float().chunk(3, -1)
        )
        x, y = x + reference[:, :, :1], y + reference[:, :, 1:]
        samples = sampled_values.sample(x, y, weights.softmax(-1))
        return self.output_proj(samples.to(query.dtype))  # type: ignore[no-any-return]
