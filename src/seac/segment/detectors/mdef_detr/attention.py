"""Multi-head attention with the parameter names of the released file."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEADS = 8


class Attention(nn.Module):
    """Scaled dot-product attention with 8 heads; query, key and value projections share one matrix."""

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * channels, channels))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        self.out_proj = nn.Linear(channels, channels)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor, position: Tensor | None = None, real: Tensor | None = None) -> Tensor:
        """Return the self-attention of ``x``: (B, N, C).

        Args:
            x: (B, N, C).
            position: (B or 1, N, C), added to queries and keys; None adds nothing.
            real: (B, N) bool, false for keys that are masked out; None if none are.
        """
        C = x.shape[-1]
        if position is None:
            q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        else:
            weight, bias = self.in_proj_weight, self.in_proj_bias
            q, k = F.linear(x + position, weight[: 2 * C], bias[: 2 * C]).chunk(2, -1)
            v = F.linear(x, weight[2 * C :], bias[2 * C :])
        q, k, v = (part.view(*part.shape[:2], HEADS, -1).transpose(1, 2) for part in (q, k, v))
        keys = None if real is None else real[:, None, None, :]
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=keys)
        return self.out_proj(attended.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]
