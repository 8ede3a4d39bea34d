"""The encoder: six layers of deformable self-attention over the locations of all levels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seac.segment.detectors.mdef_detr.deformable import POINTS, DeformableAttention
from seac.segment.detectors.mdef_detr.position import Levels, location_centres, to_pixel_coordinates

CHUNK = 512
"""Queries per chunk of a layer on the CPU; their activations fit in its cache."""


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
        """Apply the layer: (B, S, C).

        Args:
            x: (B, S, C).
            position: (B or 1, S, C), added to the query only.
            reference: (B, S, 2, L P) in feature-map pixels, see :func:`to_pixel_coordinates`.
            levels: geometry of the levels.
        """
        values = self.self_attn.project_values(x, levels.shapes, levels.real)
        step = CHUNK if x.device.type == "cpu" else x.shape[1]
        chunks = zip(*(torch.split(sequence, step, 1) for sequence in (x, position, reference)), strict=True)
        projection = self.self_attn.projection_weights()
        outputs = []
        for part, encoding, points in chunks:
            part = self.norm1(part + self.self_attn(part + encoding, points, values, projection))
            outputs.append(self.norm2(part + self.linear2(F.relu(self.linear1(part)))))
        return torch.cat(outputs, 1)


class Encoder(nn.Module):
    """Six layers; no norm after the last."""

    def __init__(self, channels: int = 256, hidden: int = 1024) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(channels, hidden) for _ in range(6))

    def forward(self, x: Tensor, position: Tensor, levels: Levels) -> Tensor:
        """Map features (B, S, C) of all levels to the memory (B, S, C)."""
        reference = to_pixel_coordinates(location_centres(levels), levels, POINTS)
        for layer in self.layers:
            x = layer(x, position, reference, levels)
        return x
