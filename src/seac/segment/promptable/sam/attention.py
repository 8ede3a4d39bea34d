"""The attention of SAM's image encoder: the same numbers as transformers' own, without its bias in memory.

Every pair of cells has a bias, the sum of one for their rows and one for their columns. Written out for
64 x 64 cells and 12 heads it is 800 MB a layer, and filling it takes longer than the attention itself. Here
it is made for a few rows of cells at a time, in one buffer that stays in the cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCK = {"cpu": 1 << 23}
"""Entries of the bias that are held at a time: what the caches of a processor hold."""
ROOMY = 1 << 26
"""The same where there is no such cache, and many small steps cost more than memory."""


class RelativeAttention(nn.Module):
    """Takes the place of transformers' SamVisionAttention, with its parameters under the same names.

    Args:
        attention: SamVisionAttention or SamHQVisionAttention, with relative positions.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.heads = int(attention.num_attention_heads)
        self.qkv, self.proj = attention.qkv, attention.proj
        self.rel_pos_h, self.rel_pos_w = attention.rel_pos_h, attention.rel_pos_w

    def forward(self, hidden_states: Tensor) -> tuple[Tensor, None]:
        """(B, H, W, C) to the same shape; the None stands where transformers returns weights."""
        count, height, width, _ = hidden_states.shape
        parts = self.qkv(hidden_states).view(count, height * width, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        entries_per_image = self.heads * (height * width) ** 2
        max_entries = BLOCK.get(query.device.type, ROOMY)
        together, rows = (
            max(1, max_entries // entries_per_image),
            max(1, min(height, max_entries * height // entries_per_image)),
        )
        position_table = tuple(
            _between(size, table) for size, table in ((height, self.rel_pos_h), (width, self.rel_pos_w))
        )
        output = torch.empty_like(hidden_states).view(count, height * width, self.heads, -1)
        room = query.new_empty(min(together, count) * self.heads * rows * width * height * width)
        for first in range(0, count, together):
            image_slice = slice(first, first + together)
            for top in range(0, height, rows):
                block = slice(top * width, (top + rows) * width)
                asking = query[image_slice, :, block]
                bias = _bias(asking, position_table[0][top : top + rows], position_table[1], room)
                found = functional.scaled_dot_product_attention(
                    asking, key[image_slice], value[image_slice], bias
                )
                output[image_slice, block] = found.transpose(1, 2)
        return self.proj(output.flatten(2).view_as(hidden_states)), None


def use_blockwise_attention(network: Any) -> None:
    """Give every layer of a SamModel's or SamHQModel's image encoder this attention, in place."""
    for layer in network.vision_encoder.layers:
        if layer.attn.use_rel_pos:
            layer.attn = RelativeAttention(layer.attn)


def _between(size: int, table: Tensor) -> Tensor:
    """Embeddings (size, size, d) of the way from every place to every other, of a table (2 size - 1, d)."""
    position_table = torch.arange(size, device=table.device)
    return table[position_table[:, None] - position_table + size - 1]


def _bias(query: Tensor, by_row: Tensor, by_column: Tensor, room: Tensor) -> Tensor:
    """Bias (b, heads, rows * W, H * W) of queries (b, heads, rows * W, d), written into ``room``."""
    (rows, height, _), (width, _, _) = by_row.shape, by_column.shape
    query_grid = query.view(*query.shape[:2], rows, width, -1)
    down = torch.einsum("bnrwd,rkd->bnrwk", query_grid, by_row)
    across = torch.einsum("bnrwd,wkd->bnrwk", query_grid, by_column)
    bias = room[: down.numel() * width].view(*query_grid.shape[:4], height, width)
    torch.add(down[..., None], across[..., None, :], out=bias)
    return bias.view(*query.shape[:3], height * width)
