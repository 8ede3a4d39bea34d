"""Blockwise attention of SAM's image encoder: transformers' outputs without the full bias in memory.

Every pair of locations has a relative position bias, the sum of a row bias and a column bias. For 64 x 64
locations and 12 heads the full bias takes 800 MB per layer, and filling it takes longer than the attention.
Here the bias is computed for a few rows at a time, in one buffer that stays in the CPU cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCK = {"cpu": 1 << 23}
"""Bias entries per block on the CPU; fits in its cache."""
GPU_BLOCK = 1 << 26
"""Bias entries per block on other devices, where many small steps cost more than memory."""


class RelativeAttention(nn.Module):
    """Replaces transformers' SamVisionAttention, with the same parameter names.

    Args:
        attention: SamVisionAttention or SamHQVisionAttention, with relative positions.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.heads = int(attention.num_attention_heads)
        self.qkv, self.proj = attention.qkv, attention.proj
        self.rel_pos_h, self.rel_pos_w = attention.rel_pos_h, attention.rel_pos_w

    def forward(self, hidden_states: Tensor) -> tuple[Tensor, None]:
        """Map (B, H, W, C) to the same shape; the second value is None, in place of attention weights."""
        count, height, width, _ = hidden_states.shape
        parts = self.qkv(hidden_states).view(count, height * width, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        entries_per_image = self.heads * (height * width) ** 2
        max_entries = BLOCK.get(query.device.type, GPU_BLOCK)
        images, rows = (
            max(1, max_entries // entries_per_image),
            max(1, min(height, max_entries * height // entries_per_image)),
        )
        position_table = tuple(
            _relative_embeddings(size, table)
            for size, table in ((height, self.rel_pos_h), (width, self.rel_pos_w))
        )
        output = torch.empty_like(hidden_states).view(count, height * width, self.heads, -1)
        buffer = query.new_empty(min(images, count) * self.heads * rows * width * height * width)
        for first in range(0, count, images):
            image_slice = slice(first, first + images)
            for top in range(0, height, rows):
                block = slice(top * width, (top + rows) * width)
                queries = query[image_slice, :, block]
                bias = _bias(queries, position_table[0][top : top + rows], position_table[1], buffer)
                attended = functional.scaled_dot_product_attention(
                    queries, key[image_slice], value[image_slice], bias
                )
                output[image_slice, block] = attended.transpose(1, 2)
        return self.proj(output.flatten(2).view_as(hidden_states)), None


def use_blockwise_attention(network: Any) -> None:
    """Replace the attention in the image encoder of a SamModel or SamHQModel, in place."""
    for layer in network.vision_encoder.layers:
        if layer.attn.use_rel_pos:
            layer.attn = RelativeAttention(layer.attn)


def _relative_embeddings(size: int, table: Tensor) -> Tensor:
    """Return the embeddings (size, size, d) of all relative positions, from a table (2 size - 1, d)."""
    positions = torch.arange(size, device=table.device)
    return table[positions[:, None] - positions + size - 1]


def _bias(query: Tensor, by_row: Tensor, by_column: Tensor, buffer: Tensor) -> Tensor:
    """Return the bias (b, heads, rows * W, H * W) of queries (b, heads, rows * W, d), in ``buffer``."""
    (rows, height, _), (width, _, _) = by_row.shape, by_column.shape
    query_grid = query.view(*query.shape[:2], rows, width, -1)
    down = torch.einsum("bnrwd,rkd->bnrwk", query_grid, by_row)
    across = torch.einsum("bnrwd,wkd->bnrwk", query_grid, by_column)
    bias = buffer[: down.numel() * width].view(*query_grid.shape[:4], height, width)
    torch.add(down[..., None], across[..., None, :], out=bias)
    return bias.view(*query.shape[:3], height * width)
