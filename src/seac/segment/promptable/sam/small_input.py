"""Reduces the input size of SAM by interpolating its position embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional


def shrink(network: Any, side: int) -> None:
    """Change a SamModel or SamHQModel in place so that its input is ``side`` pixels.

    Windows keep their size in patches. Absolute position embeddings, and relative ones of layers with global
    attention, are interpolated.

    Args:
        network: transformers' SamModel or SamHQModel.
        side: side in pixels, rounded down to a multiple of the patch size; no change unless it is smaller
            than the published side.
    """
    encoder, config = network.vision_encoder, network.config
    patch, before = int(config.vision_config.patch_size), int(config.vision_config.image_size)
    side = side // patch * patch
    if side >= before:
        return
    grid = side // patch
    with torch.no_grad():
        table = encoder.pos_embed.permute(0, 3, 1, 2).float()
        smaller = functional.interpolate(table, (grid, grid), mode="bicubic", align_corners=False)
        encoder.pos_embed = nn.Parameter(smaller.permute(0, 2, 3, 1).to(encoder.pos_embed.dtype))
        for layer in encoder.layers:
            if layer.window_size:
                continue
            for name in ("rel_pos_h", "rel_pos_w"):
                line = getattr(layer.attn, name).float().T[None]
                line = functional.interpolate(line, 2 * grid - 1, mode="linear", align_corners=False)
                setattr(layer.attn, name, nn.Parameter(line[0].T.contiguous()))
    for part in (config.vision_config, config.prompt_encoder_config, encoder.config):
        part.image_size = side
    encoder.image_size = side
    encoder.patch_embed.image_size = (side, side)
    config.prompt_encoder_config.image_embedding_size = grid
    network.prompt_encoder.image_embedding_size = (grid, grid)
    network.prompt_encoder.input_image_size = side
