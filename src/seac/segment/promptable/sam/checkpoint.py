"""Loads the published ``sam_vit_*.pth`` into transformers' SamModel, with sizes from the tensor shapes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.weights.load import load_state

# (pattern in the file, name in transformers), applied in order to every name.
RENAMES = (
    (r"^image_encoder\.", "vision_encoder."),
    (r"patch_embed\.proj\.", "patch_embed.projection."),
    (r"vision_encoder\.blocks\.", "vision_encoder.layers."),
    (r"neck\.0\.", "neck.conv1."),
    (r"neck\.1\.", "neck.layer_norm1."),
    (r"neck\.2\.", "neck.conv2."),
    (r"neck\.3\.", "neck.layer_norm2."),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"pe_layer\.positional_encoding_gaussian_matrix", "shared_embedding.positional_embedding"),
    (r"\.point_embeddings\.", ".point_embed."),
    (r"mask_downscaling\.0\.", "mask_embed.conv1."),
    (r"mask_downscaling\.1\.", "mask_embed.layer_norm1."),
    (r"mask_downscaling\.3\.", "mask_embed.conv2."),
    (r"mask_downscaling\.4\.", "mask_embed.layer_norm2."),
    (r"mask_downscaling\.6\.", "mask_embed.conv3."),
    (r"output_upscaling\.0\.", "upscale_conv1."),
    (r"output_upscaling\.1\.", "upscale_layer_norm."),
    (r"output_upscaling\.3\.", "upscale_conv2."),
    (r"((?:mlps\.\d+|prediction_head))\.layers\.0\.", r"\1.proj_in."),
    (r"((?:mlps\.\d+|prediction_head))\.layers\.2\.", r"\1.proj_out."),
    (r"((?:mlps\.\d+|prediction_head))\.layers\.1\.", r"\1.layers.0."),
)
SHARED = "prompt_encoder.shared_embedding.positional_embedding"
DECODER_HEADS = 8


def rename_keys(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a published state dict with transformers' names."""
    result = {}
    for name, value in state.items():
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        result[name] = value
    if SHARED in result:
        result["shared_image_embedding.positional_embedding"] = result[SHARED]
    return result


def config_of(state: dict[str, Tensor]) -> Any:
    """Build transformers' SamConfig from the tensor shapes of a published state dict.

    Raises:
        KeyError: a tensor is missing.
    """
    from transformers import SamConfig, SamMaskDecoderConfig, SamPromptEncoderConfig, SamVisionConfig

    grid, hidden = state["image_encoder.pos_embed"].shape[1], state["image_encoder.pos_embed"].shape[-1]
    patch = state["image_encoder.patch_embed.proj.weight"].shape[-1]
    positions = [
        state[f"image_encoder.blocks.{index}.attn.rel_pos_h"]
        for index in range(_count(state, "image_encoder.blocks"))
    ]
    global_layers = tuple(index for index, table in enumerate(positions) if len(table) == 2 * grid - 1)
    windows = [len(table) // 2 + 1 for index, table in enumerate(positions) if index not in global_layers]
    channels = state["image_encoder.neck.0.weight"].shape[0]
    vision = SamVisionConfig(
        hidden_size=hidden,
        output_channels=channels,
        num_hidden_layers=len(positions),
        num_attention_heads=hidden // positions[0].shape[1],
        image_size=grid * patch,
        patch_size=patch,
        mlp_dim=state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0],
        window_size=windows[0] if windows else 14,
        global_attn_indexes=global_layers,
        num_pos_feats=state["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"].shape[1],
    )
    prompts = SamPromptEncoderConfig(
        hidden_size=channels,
        image_size=grid * patch,
        patch_size=patch,
        mask_input_channels=state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
    )
    inner = state["mask_decoder.transformer.final_attn_token_to_image.q_proj.weight"].shape[0]
    decoder = SamMaskDecoderConfig(
        hidden_size=channels,
        mlp_dim=state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0],
        num_hidden_layers=_count(state, "mask_decoder.transformer.layers"),
        num_attention_heads=DECODER_HEADS,
        attention_downsample_rate=channels // inner,
        num_multimask_outputs=len(state["mask_decoder.mask_tokens.weight"]) - 1,
        iou_head_depth=_count(state, "mask_decoder.iou_prediction_head.layers"),
        iou_head_hidden_dim=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
        layer_norm_eps=1e-5,  # as in the published code
    )
    return SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)


def sam_of(state: dict[str, Tensor]) -> Any:
    """Build transformers' SamModel from a published state dict, on the CPU.

    Raises:
        KeyError, RuntimeError, IndexError: names or shapes are not those of Segment Anything.
    """
    from transformers import SamModel

    with torch.device("meta"):
        network = SamModel(config_of(state))
    network.load_state_dict(rename_keys(state), assign=True)
    return network


def load_sam(path: Path) -> Any:
    """Load transformers' SamModel from a published file, on the CPU.

    Raises:
        InputError: the file holds another network.
    """
    state = load_state(path)
    try:
        return sam_of(state)
    except (KeyError, RuntimeError, IndexError) as error:
        raise InputError(
            f"{path} holds no Segment Anything ({type(error).__name__}): pass a published sam_vit_*.pth"
        ) from error


def _count(state: dict[str, Tensor], prefix: str) -> int:
    """Return the number of numbered modules under a prefix."""
    numbers = {int(name[len(prefix) + 1 :].split(".")[0]) for name in state if name.startswith(prefix + ".")}
    return max(numbers) + 1
