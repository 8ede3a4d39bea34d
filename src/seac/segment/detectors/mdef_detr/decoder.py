"""The decoder: six layers of self-attention among 300 learned queries and deformable cross-attention."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from seac.segment.detectors.mdef_detr.attention import Attention
from seac.segment.detectors.mdef_detr.deformable import POINTS, DeformableAttention
from seac.segment.detectors.mdef_detr.position import Levels, to_pixel_coordinates


class DecoderLayer(nn.Module):
    """Self-attention (norm2), deformable cross-attention (norm1), feed-forward (norm3)."""

    def __init__(self, channels: int = 256, hidden: int = 1024) -> None:
        super().__init__()
        self.cross_attn = DeformableAttention(channels)
        self.norm1 = nn.LayerNorm(channels)
        self.self_attn = Attention(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(
        self, x: Tensor, position: Tensor, reference: Tensor, memory: Tensor, levels: Levels
    ) -> Tensor:
        """Apply the layer: (B, Q, C).

        Args:
            x: (B, Q, C) content of the queries.
            position: (1, Q, C) positions of the queries, added to queries and keys.
            reference: (B, Q, 2, L P) in feature-map pixels, see :func:`to_pixel_coordinates`.
            memory: (B, S, C) output of the encoder.
            levels: geometry of the levels.
        """
        x = self.norm2(x + self.self_attn(x, position))
        values = self.cross_attn.project_values(memory, levels.shapes, levels.real)
        x = self.norm1(x + self.cross_attn(x + position, reference, values))
        return self.norm3(x + self.linear2(F.relu(self.linear1(x))))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Six layers; the reference points never change."""

    def __init__(self, channels: int = 256, hidden: int = 1024) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(channels, hidden) for _ in range(6))

    def forward(self, x: Tensor, position: Tensor, points: Tensor, memory: Tensor, levels: Levels) -> Tensor:
        """Return the decoded queries: (B, Q, C).

        Args:
            x: (B, Q, C) content of the queries.
            position: (1, Q, C) positions of the queries.
            points: (B or 1, Q, 2) in [0, 1] of the unpadded extent, x then y.
            memory: (B, S, C) output of the encoder.
            levels: geometry of the levels.
        """
        reference = to_pixel_coordinates(points, levels, POINTS)
        for layer in self.layers:
            x = layer(x, position, reference, memory, levels)
        return x
