"""SAM's mask decoder for many boxes on one image: transformers' outputs with less computation.

In the attention between a few tokens T and thousands of image locations S, the locations need not be
projected. With the key projection W of a head, a score is ``q . (W k) = (W^T q) . k``, and a weighted sum of
values is ``sum a (V k) = V (sum a k)``: the tokens are projected instead. The key bias adds the same value at
all locations, so it cancels in the softmax. Inputs shared by all boxes are computed once, and only the mask
with the highest predicted IoU is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class SamDecoder:
    """Decodes box prompts to mask logits.

    Args:
        network: transformers' SamModel.
        multimask: decode the best of three masks rather than the single-mask output.
    """

    def __init__(self, network: Any, *, multimask: bool = True) -> None:
        self.network = network
        self.decoder = network.mask_decoder
        self.mask_slice = slice(1, None) if multimask else slice(0, 1)

    def __call__(self, features: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (N, 4h, 4w) and predicted IoU (N,) of the best mask of every box.

        Args:
            features: (1, C, h, w), the encoded image.
            prompts: (N, 4) xyxy in pixels of the network's input.
        """
        learned = torch.cat([self.decoder.iou_token.weight, self.decoder.mask_tokens.weight])
        tokens, locations = self._attend(learned, features, prompts)
        quality = self.decoder.iou_prediction_head(tokens[:, 0])[:, self.mask_slice]
        best = quality.argmax(1)
        logits = self._decode_masks(tokens, locations, best, features.shape[-2:])
        return logits, quality.gather(1, best[:, None])[:, 0]

    def _attend(self, learned: Tensor, features: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens (N, T, C) and locations (N, S, C) after the transformer.

        Args:
            learned: (K, C), the network's own tokens, before those of the box.
            features: (1, C, h, w), the encoded image.
            prompts: (N, 4) xyxy in pixels of the network's input.
        """
        sparse, dense = self.network.prompt_encoder(None, None, prompts[None], None)
        tokens = torch.cat([learned.expand(len(prompts), -1, -1), sparse[0]], 1)
        position_encoding = self.network.get_image_wide_positional_embeddings().flatten(2).transpose(1, 2)
        locations = (features + dense).flatten(2).transpose(1, 2)
        return self._run_transformer(tokens, locations, position_encoding)

    def _run_transformer(
        self, tokens: Tensor, locations: Tensor, position_encoding: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Run the two-way transformer on tokens (N, T, C) and locations (1 or N, S, C)."""
        first, transformer = tokens, self.decoder.transformer
        for layer in transformer.layers:
            if layer.skip_first_layer_pe:
                tokens = _self_attend(layer.self_attn, tokens, tokens)
            else:
                tokens = tokens + _self_attend(layer.self_attn, tokens + first, tokens)
            tokens = layer.layer_norm1(tokens)
            keys = locations + position_encoding
            tokens = layer.layer_norm2(
                tokens + attend_to_image(layer.cross_attn_token_to_image, tokens + first, keys, locations)
            )
            tokens = layer.layer_norm3(tokens + layer.mlp(tokens))
            image_update = attend_to_tokens(layer.cross_attn_image_to_token, keys, tokens + first, tokens)
            locations = layer.layer_norm4(image_update.add_(locations))
        last = attend_to_image(
            transformer.final_attn_token_to_image, tokens + first, locations + position_encoding, locations
        )
        output_tokens: Tensor = transformer.layer_norm_final_attn(tokens + last)
        return output_tokens, locations

    def _decode_masks(
        self, tokens: Tensor, locations: Tensor, best: Tensor, grid: torch.Size, finer: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return the logits of mask ``best`` (N,) of every box, at four times the grid's resolution.

        Args:
            tokens: (N, 1 + masks, C): one token before those of the masks.
            locations: (N, S, C).
            best: (N,) int64.
            grid: height and width of the locations.
            finer: features of the image at four and at two times the grid's resolution, for SAM 2.
        """
        decoder, count = self.decoder, len(tokens)
        maps = decoder.upscale_conv1(locations.transpose(1, 2).reshape(count, -1, *grid))
        maps = decoder.activation(decoder.upscale_layer_norm(maps + finer[1] if finer else maps))
        maps = decoder.upscale_conv2(maps)
        maps = decoder.activation(maps + finer[0] if finer else maps)
        mask_index = best + (self.mask_slice.start or 0)
        hyper_weights: Tensor = torch.stack(
            [
                decoder.output_hypernetworks_mlps[index](tokens[row, 1 + index])
                for row, index in enumerate(mask_index.tolist())
            ]
        )
        mask_logits: Tensor = hyper_weights[:, None] @ maps.flatten(2)
        return mask_logits.view(count, *maps.shape[-2:])


class Sam2Decoder(SamDecoder):
    """Decodes box prompts to mask logits, for SAM 2.1 and EdgeTAM: the best of three masks of every box.

    Args:
        network: transformers' Sam2Model or EdgeTamModel.
    """

    def __init__(self, network: Any) -> None:
        super().__init__(network, multimask=True)

    def decode(self, features: Sequence[Tensor], prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (N, 4h, 4w) and predicted IoU (N,) of the best mask of every box.

        Args:
            features: the encoded image, at four, two and one times the grid's resolution: (1, C, h, w) last.
            prompts: (N, 4) xyxy in pixels of the network's input.
        """
        decoder = self.decoder
        # The first token scores whether there is an object, which a box does not leave open.
        names = ("obj_score_token", "iou_token", "mask_tokens")
        learned = torch.cat([getattr(decoder, name).weight for name in names])
        tokens, locations = self._attend(learned, features[-1], prompts)
        quality = decoder.iou_prediction_head(tokens[:, 1])[:, self.mask_slice]
        best = quality.argmax(1)
        logits = self._decode_masks(tokens[:, 1:], locations, best, features[-1].shape[-2:], features[:-1])
        return logits, quality.gather(1, best[:, None])[:, 0]


def _self_attend(attention: Any, queries: Tensor, values: Tensor) -> Tensor:
    """Return transformers' self-attention among tokens, with all boxes in one point batch."""
    output: Tensor = attention(queries[None], queries[None], values[None])[0][0]
    return output


def attend_to_image(attention: Any, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return the cross-attention from tokens to image locations.

    Args:
        attention: transformers' attention of SAM, SAM 2 or EdgeTAM.
        queries: (N, T, C) tokens.
        keys: (1 or N, S, C) locations plus position encodings.
        values: (1 or N, S, C) locations.

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
    attended = torch.einsum("nhtc,hdc->nthd", sums, _split(attention.v_proj.weight, heads)).flatten(2)
    output: Tensor = _output(attention)(attended + attention.v_proj.bias)
    return output


def attend_to_tokens(attention: Any, locations: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return the cross-attention from image locations to tokens.

    Args:
        attention: transformers' attention of SAM, SAM 2 or EdgeTAM.
        locations: (1 or N, S, C) locations plus position encodings.
        keys: (N, T, C) tokens plus position encodings.
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
    projection = _output(attention)
    out = projection.weight.view(width, heads, -1)
    projected_values = torch.einsum("nthd,chd->nhtc", value, out).reshape(count, heads * length, width)
    return (weights @ projected_values).add_(projection.bias)


def _output(attention: Any) -> Any:
    """Return the output projection, which SAM and SAM 2 name differently."""
    return attention.o_proj if hasattr(attention, "o_proj") else attention.out_proj


def _split(weight: Tensor, heads: int) -> Tensor:
    """Split a linear layer's weight (heads * d, C) by heads: (heads, d, C)."""
    return weight.view(heads, -1, weight.shape[1])
