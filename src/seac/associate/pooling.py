"""Attention pooling of audio windows to one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class AttentionPooling(nn.Module):
    """Multi-head attention of one learned query over audio windows.

    Args:
        dim: d_a.
        heads: number of heads, a divisor of d_a.

    Raises:
        ValueError: the number of heads does not divide d_a.
    """

    def __init__(self, dim: int, heads: int = 4) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{heads} heads do not divide d_a = {dim}")
        self.heads = heads
        # A small query gives almost equal attention to all windows: training starts from mean pooling.
        self.query = nn.Parameter(torch.randn(dim) * 0.02)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, windows: Tensor, padding: Tensor) -> Tensor:
        """Pooled audio (B, d_a); audio without windows is pooled as zero features.

        Args:
            windows: (B, W, d_a).
            padding: (B, W) bool, True where there is no window.
        """
        count, length, dim = windows.shape
        keys, values = (
            part.view(count, length, self.heads, -1).transpose(1, 2)
            for part in self.key_value(windows.masked_fill(padding[..., None], 0)).chunk(2, dim=-1)
        )
        query = self.query.view(1, self.heads, 1, -1).expand(count, -1, -1, -1)
        valid = ~(padding & ~padding.all(dim=1, keepdim=True))
        pooled = functional.scaled_dot_product_attention(query, keys, values, valid[:, None, None])
        pooled_once: Tensor = self.out(pooled.transpose(1, 2).reshape(count, dim))
        return pooled_once
