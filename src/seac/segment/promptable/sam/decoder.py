"""SAM's mask decoder for many boxes on one picture: the same numbers as transformers' own, less work.

Between a handful of tokens T and thousands of cells S of the picture, attention need not project the cells.
With one head's key map W, a score is ``q . (W k) = (W^T q) . k``, and a weighted sum of values is
``sum a (V k) = V (sum a k)``: the small side is projected instead. The bias of the keys, which adds the same
to all cells, falls out of the softmax. What all boxes share is made once, and only the mask that the network
thinks best is drawn.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class SamDecoder:
    """Boxes to logits.

    Args:
        network: transformers' SamModel.
        several: whether the best of three masks is drawn, or the single one.
    """

    def __init__(self, network: Any, *, several: bool = True) -> None:
        self.network = network
        self.decoder = network.mask_decoder
        self.kept = slice(1, None) if several else slice(0, 1)

    def __call__(self, features: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, 4h, 4w) and predicted IoU (N,) of the best mask of every box.

        Args:
            features: (1, C, h, w), the encoded picture.
            prompts: (N, 4) xyxy in pixels of the network's input.
        """
        sparse, dense = self.network.prompt_encoder(None, None, prompts[None], None)
        fixed = torch.cat([self.decoder.iou_token.weight, self.decoder.mask_tokens.weight])
        tokens = torch.cat([fixed.expand(len(prompts), -1, -1), sparse[0]], 1)
        places = self.network.get_image_wide_positional_embeddings().flatten(2).transpose(1, 2)
        cells = (features + dense).flatten(2).transpose(1, 2)
        tokens, cells = self._transformed(tokens, cells, places)
        quality = self.decoder.iou_prediction_head(tokens[:, 0])[:, self.kept]
        best = quality.argmax(1)
        return self._drawn(tokens, cells, best, features.shape[-2:]), quality.gather(1, best[:, None])[:, 0]

    def _transformed(self, tokens: Tensor, cells: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Both ways of attention, layer by layer: tokens (N, T, C), cells (1 or N, S, C)."""
        first, transformer = tokens, self.decoder.transformer
        for layer in transformer.layers:
            if layer.skip_first_layer_pe:
                tokens = _among(layer.self_attn, tokens, tokens)
            else:
                tokens = tokens + _among(layer.self_attn, tokens + first, tokens)
            tokens = layer.layer_norm1(tokens)
            placed = cells + places
            tokens = layer.layer_norm2(
                tokens + to_cells(layer.cross_attn_token_to_image, tokens + first, placed, cells)
            )
            tokens = layer.layer_norm3(tokens + layer.mlp(tokens))
            heard = to_tokens(layer.cross_attn_image_to_token, placed, tokens + first, tokens)
            cells = layer.layer_norm4(heard.add_(cells))
        last = to_cells(transformer.final_attn_token_to_image, tokens + first, cells + places, cells)
        done: Tensor = transformer.layer_norm_final_attn(tokens + last)
        return done, cells

    def _drawn(self, tokens: Tensor, cells: Tensor, best: Tensor, grid: torch.Size) -> Tensor:
        """The chosen mask of every box, at four times the grid."""
        decoder, count = self.decoder, len(tokens)
        maps = cells.transpose(1, 2).reshape(count, -1, *grid)
        maps = decoder.activation(decoder.upscale_layer_norm(decoder.upscale_conv1(maps)))
        maps = decoder.activation(decoder.upscale_conv2(maps))
        chosen = best + (self.kept.start or 0)
        words: Tensor = torch.stack(
            [
                decoder.output_hypernetworks_mlps[index](tokens[row, 1 + index])
                for row, index in enumerate(chosen.tolist())
            ]
        )
        drawn: Tensor = words[:, None] @ maps.flatten(2)
        return drawn.view(count, *maps.shape[-2:])


def _among(attention: Any, asking: Tensor, values: Tensor) -> Tensor:
    """Attention among tokens, as transformers has it; its groups of boxes are one here."""
    answer: Tensor = attention(asking[None], asking[None], values[None])[0][0]
    return answer


def to_cells(attention: Any, asking: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Tokens attend to cells.

    Args:
        attention: transformers' SamAttention.
        asking: (N, T, C) tokens.
        keys: (1 or N, S, C) cells with their places.
        values: (1 or N, S, C) cells.

    Returns:
        (N, T, C).
    """
    heads, (count, length, width) = attention.num_attention_heads, asking.shape
    query = attention.q_proj(asking).view(count, length, heads, -1)
    scale = query.shape[-1] ** -0.5
    asked = torch.einsum("nthd,hdc->nhtc", query * scale, _split(attention.k_proj.weight, heads))
    asked = asked.reshape(count, heads * length, width)
    weights = (asked @ keys.transpose(1, 2)).softmax(-1)
    sums = (weights @ values).view(count, heads, length, width)
    found = torch.einsum("nhtc,hdc->nthd", sums, _split(attention.v_proj.weight, heads)).flatten(2)
    answer: Tensor = attention.out_proj(found + attention.v_proj.bias)
    return answer


def to_tokens(attention: Any, cells: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Cells attend to tokens.

    Args:
        attention: transformers' SamAttention.
        cells: (1 or N, S, C) cells with their places.
        keys: (N, T, C) tokens with theirs.
        values: (N, T, C) tokens.

    Returns:
        (N, S, C).
    """
    heads, (count, length, width) = attention.num_attention_heads, keys.shape
    key = attention.k_proj(keys).view(count, length, heads, -1)
    key = key * key.shape[-1] ** -0.5
    weight, bias = attention.q_proj.weight, attention.q_proj.bias
    asked = torch.einsum("nthd,hdc->nhtc", key, _split(weight, heads)).reshape(count, heads * length, width)
    offset = torch.einsum("nthd,hd->nht", key, bias.view(heads, -1)).reshape(count, 1, heads * length)
    scores = (cells @ asked.transpose(1, 2)).add_(offset)
    weights = scores.view(count, -1, heads, length).softmax(-1).flatten(2)
    value = attention.v_proj(values).view(count, length, heads, -1)
    out = attention.out_proj.weight.view(width, heads, -1)
    said = torch.einsum("nthd,chd->nhtc", value, out).reshape(count, heads * length, width)
    return (weights @ said).add_(attention.out_proj.bias)


def _split(weight: Tensor, heads: int) -> Tensor:
    """A linear map's weight (heads * d, C) by heads: (heads, d, C)."""
    return weight.view(heads, -1, weight.shape[1])
