"""Late fusion: self-attention over the decoded queries and the prompt's tokens in one sequence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seac.segment.detectors.mdef_detr.attention import Attention


class FusionLayer(nn.Module):
    """A standard post-norm Transformer encoder layer."""

    def __init__(self, channels: int = 256, hidden: int = 1024) -> None:
        super().__init__()
        self.self_attn = Attention(channels)
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, real: Tensor | None) -> Tensor:
        """Map (B, N, C) to the same shape; ``real`` (B, N) bool is false for padding tokens."""
        x = self.norm1(x + self.self_attn(x, real=real))
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))  # type: ignore[no-any-return]


class Fusion(nn.Module):
    """Six layers without position encodings."""

    def __init__(self, channels: int = 256, hidden: int = 1024) -> None:
        super().__init__()
        self.layers = nn.ModuleList(FusionLayer(channels, hidden) for _ in range(6))

    def forward(self, queries: Tensor, tokens: Tensor, real: Tensor | None) -> Tensor:
        """Return the queries after attention to the prompt.

        Args:
            queries: (B, Q, C).
            tokens: (B, L, C).
            real: (B, L) bool, false for padding; None if nothing is padded.

        Returns:
            (B, Q, C).
        """
        x = torch.cat((queries, tokens), 1)
        if real is not None:
            real = torch.cat((real.new_ones(queries.shape[:2]), real), 1)
        for layer in self.layers:
            x = layer(x, real)
        return x[:, : queries.shape[1]]
