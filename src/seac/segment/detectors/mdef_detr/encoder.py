"""The encoder: every cell of every level looks around itself, six times."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seac.segment.detectors.mdef_detr.deformable import POINTS, DeformableAttention
from seac.segment.detectors.mdef_detr.position import Levels, location_centres, to_pixel_coordinates

CHUNK = 512
"""Queries that a CPU takes through a layer at a time: what they need then stays in its cache."""


class EncoderLayer(nn.Module):
    """Deformable attention and feed-forward, each followed by a norm."""

    def __init__(self, channels: int = 256, hidden: int = 1024) -> None:
        super().__init__()
        self.self_attn = DeformableAttention(channels)
        self.norm1 = nn.LayerNorm(channels)
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)
        self.norm2 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, position: Tensor, reference: Tensor, levels: Levels) -> Tensor:
        """One layer.

        Args:
            x: (B, S, C).
            position: (B or 1, S, C), added to the query only.
            reference: (B, S, 2, L P) in cells, see :func:`to_pixel_coordinates`.
            levels: the geometry.
        """
        values = self.self_attn.lay_out(x, levels.shapes, levels.real)
        step = CHUNK if x.device.type == "cpu" else x.shape[1]
        chunks = zip(*(torch.split(sequence, step, 1) for sequence in (x, position, reference)), strict=True)
        projection = self.self_attn.projection_weights()
        done = []
        for part, encoding, around in chunks:
            part = self.norm1(part + self.self_attn(part + encoding, around, values, projection))
            done.append(self.norm2(part + self.linear2(F.relu(self.linear1(part)))))
        return torch.cat(done, 1)


class Encoder(nn.Module):
    """Six layers; no norm after the last."""

    def __init__(self, channels: int = 256, hidden: int = 1024) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(channels, hidden) for _ in range(6))

    def forward(self, x: Tensor, position: Tensor, levels: Levels) -> Tensor:
        """(B, S, C) features of all levels to (B, S, C) memory."""
        reference = to_pixel_coordinates(location_centres(levels), levels, POINTS)
        for layer in self.layers:
            x = layer(x, position, reference, levels)
        return x
