"""Tiny random checkpoints in the published formats: ``python -m tests.checkpoints DIR`` makes a weights folder.

Widths are a few channels, names and files are the published ones, so every preset runs end to end on them
with ``--weights-dir DIR``. What they answer means nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

SIDE = 64
"""Side of the tiny SAMs' input."""


def randomised(network: Any, seed: int = 0) -> Any:
    """``network`` with random weights under which every part of it matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in [*network.named_parameters(), *network.named_buffers()]:
            if not value.is_floating_point() or "pixel" in name or "running" in name:
                continue
            noise = torch.randn(value.shape, generator=generator)
            if value.ndim > 1:
                spread = 1.0 if "embed" in name and value.ndim == 2 else value[0].numel() ** -0.5
                value.copy_(noise * spread)
            else:
                value.copy_(noise * 0.1 + (1.0 if name.endswith("weight") else 0.0))
    return network.eval()


def plain_sam(seed: int = 0) -> nn.Module:
    """The published code's own SAM with few channels."""
    from functools import partial

    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    channels, grid = 32, SIDE // 8
    image = ImageEncoderViT(
        depth=3,
        embed_dim=24,
        img_size=SIDE,
        mlp_ratio=2,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        num_heads=3,
        patch_size=8,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=(1,),
        window_size=3,
        out_chans=channels,
    )
    prompts = PromptEncoder(channels, (grid, grid), (SIDE, SIDE), 16)
    decoder = MaskDecoder(
        transformer_dim=channels,
        transformer=TwoWayTransformer(2, channels, 8, 48),
        num_multimask_outputs=3,
        iou_head_depth=3,
        iou_head_hidden_dim=40,
    )
    network = Sam(image, prompts, decoder, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    return randomised(network, seed)


def sam_hq(seed: int = 0) -> Any:
    """transformers' SAM-HQ with few channels."""
    from transformers import SamHQConfig, SamHQModel

    config = SamHQConfig(
        vision_config=dict(
            hidden_size=24,
            output_channels=32,
            num_hidden_layers=3,
            num_attention_heads=3,
            image_size=SIDE,
            patch_size=8,
            mlp_ratio=2.0,
            window_size=3,
            global_attn_indexes=[1],
            num_pos_feats=16,
        ),
        prompt_encoder_config=dict(hidden_size=32, image_size=SIDE, patch_size=8),
        mask_decoder_config=dict(hidden_size=32, mlp_dim=48, iou_head_hidden_dim=40, vit_dim=24),
    )
    return randomised(SamHQModel(config), seed)


def sam2(seed: int = 0) -> Any:
    """transformers' SAM 2.1, its video half too as in the published files, with few channels."""
    from transformers import Sam2VideoConfig, Sam2VideoModel

    config = Sam2VideoConfig(
        vision_config=dict(
            backbone_config=dict(
                model_type="sam2_hiera_det_model",
                hidden_size=8,
                num_attention_heads=1,
                image_size=[SIDE, SIDE],
                blocks_per_stage=[1, 1, 2, 1],
                embed_dim_per_stage=[8, 16, 32, 64],
                num_attention_heads_per_stage=[1, 2, 4, 8],
                window_size_per_stage=[4, 2, 2, 2],
                global_attention_blocks=[3],
                window_positional_embedding_background_size=[3, 3],
            ),
            backbone_channel_list=[64, 32, 16, 8],
            backbone_feature_sizes=[[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
            fpn_hidden_size=32,
        ),
        prompt_encoder_config=dict(hidden_size=32, image_size=SIDE, patch_size=16),
        mask_decoder_config=dict(hidden_size=32, mlp_dim=48, iou_head_hidden_dim=32),
        image_size=SIDE,
        memory_attention_hidden_size=32,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_num_layers=1,
        memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=32,
        memory_encoder_output_channels=8,
        mask_downsampler_embed_dim=32,
        memory_fuser_embed_dim=32,
        memory_fuser_intermediate_dim=32,
        memory_fuser_num_layers=1,
    )
    return randomised(Sam2VideoModel(config), seed)
