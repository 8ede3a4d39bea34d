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
        position_encoding = self.network.get_image_wide_positional_embeddings().flatten(2).transpose(1, 2)
        locations = (features + dense).flatten(2).transpose(1, 2)
        tokens, locations = self._transformed(tokens, locations, position_encoding)
        quality = self.decoder.iou_prediction_head(tokens[:, 0])[:, self.kept]
        best = quality.argmax(1)
        return self._decode_masks(tokens, locations, best, features.shape[-2:]), quality.gather(
            1, best[:, None]
        )[:, 0]

    def _transformed(
        self, tokens: Tensor, locations: Tensor, position_encoding: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Both ways of attention, layer by layer: tokens (N, T, C), cells (1 or N, S, C)."""
        first, transformer = tokens, self.decoder.transformer
        for layer in transformer.layers:
            if layer.skip_first_layer_pe:
                tokens = _among(layer.self_attn, tokens, tokens)
            else:
                tokens = tokens + _among(layer.self_attn, tokens + first, tokens)
            tokens = layer.layer_norm1(tokens)
            keyed = locations + position_encoding
            tokens = layer.layer_norm2(
                tokens + attend_to_image(layer.cross_attn_token_to_image, tokens + first, keyed, locations)
            )
            tokens = layer.layer_norm3(tokens + layer.mlp(tokens))
            image_update = attend_to_tokens(layer.cross_attn_image_to_token, keyed, tokens + first, tokens)
            locations = layer.layer_norm4(image_update.add_(locations))
        last = attend_to_image(
            transformer.final_attn_token_to_image, tokens + first, locations + position_encoding, locations
        )
        done: Tensor = transformer.layer_norm_final_attn(tokens + last)
        return done, locations

    def _decode_masks(self, tokens: Tensor, locations: Tensor, best: Tensor, grid: torch.Size) -> Tensor:
        """The chosen mask of every box, at four times the grid."""
        decoder, count = self.decoder, len(tokens)
        maps = locations.transpose(1, 2).reshape(count, -1, *grid)
        maps = decoder.activation(decoder.upscale_layer_norm(decoder.upscale_conv1(maps)))
        maps = decoder.activation(decoder.upscale_conv2(maps))
        chosen = best + (self.kept.start or 0)
        hyper_weights: Tensor = torch.stack(
            [
                decoder.output_hypernetworks_mlps[index](tokens[row, 1 + index])
                for row, index in enumerate(chosen.tolist())
            ]
        )
        mask_logits: Tensor = hyper_weights[:, None] @ maps.flatten(2)
        return mask_logits.view(count, *maps.shape[-2:])


def _among(attention: Any, queries: Tensor, values: Tensor) -> Tensor:
    """Attention among tokens, as transformers has it; its groups of boxes are one here."""
    answer: Tensor = attention(queries[None], queries[None], values[None])[0][0]
    return answer


def attend_to_image(attention: Any, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Tokens attend to cells.

    Args:
        attention: transformers' SamAttention.
        queries: (N, T, C) tokens.
        keys: (1 or N, S, C) cells with their places.
        values: (1 or N, S, C) cells.

    Returns:
        (N, T, C).
    """
    heads, (count, length, width) = attention.num_attention_heads, queries.shape
    query = attention.q_proj(queries).view(count, length, heads, -1)
    scale = query.shape[-1] ** -0.5
    key_query = torch.einsum("nthd,hdc->nhtc", query * scale, _split(attention.k_proj.weight, heads))
    key_query = key_query.reshape(count, heads * length, width)
    weights = (key_query @ keys.transpose(1, 2)).softmax(-1)
    sums = (weights @ values).view(count, heads, length, width)
    found = torch.einsum("nhtc,hdc->nthd", sums, _split(attention.v_proj.weight, heads)).flatten(2)
    answer: Tensor = attention.out_proj(found + attention.v_proj.bias)
    return answer


def attend_to_tokens(attention: Any, locations: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Cells attend to tokens.

    Args:
        attention: transformers' SamAttention.
        locations: (1 or N, S, C) cells with their places.
        keys: (N, T, C) tokens with theirs.
        values: (N, T, C) tokens.

    Returns:
        (N, S, C).
    """
    heads, (count, length, width) = attention.num_attention_heads, keys.shape
    key = attention.k_proj(keys).view(count, length, heads, -1)
    key = key * key.shape[-1] ** -0.5
    weight, bias = attention.q_proj.weight, attention.q_proj.bias
    key_query = torch.einsum("nthd,hdc->nhtc", key, _split(weight, heads)).reshape(
        count, heads * length, width
    )
    offset = torch.einsum("nthd,hd->nht", key, bias.view(heads, -1)).reshape(count, 1, heads * length)
    scores = (locations @ key_query.transpose(1, 2)).add_(offset)
    weights = scores.view(count, -1, heads, length).softmax(-1).flatten(2)
    value = attention.v_proj(values).view(count, length, heads, -1)
    out = attention.out_proj.weight.view(width, heads, -1)
    projected_values = torch.einsum("nthd,chd->nhtc", value, out).reshape(count, heads * length, width)
    return (weights @ projected_values).add_(attention.out_proj.bias)


def _split(weight: Tensor, heads: int) -> Tensor:
    """A linear map's weight (heads * d, C) by heads: (heads, d, C)."""
    return weight.view(heads, -1, weight.shape[1])
