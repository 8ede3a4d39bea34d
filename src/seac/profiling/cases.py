"""Profiling cases: a preset's parts with given weights, or with random weights of the published sizes."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seac.core.errors import InputError
from seac.encoders.base import VisionEncoder
from seac.encoders.clip_model import load_clip
from seac.encoders.vision.clip import ClipVision
from seac.presets.load import Assembly
from seac.presets.spec import ModelSpec
from seac.profiling.reference import ReferenceClip, ReferenceSegmenter, reference_sam
from seac.segment.promptable.sam.checkpoint import config_of, sam_of
from seac.segment.promptable.sam.sam import Sam, SamSettings
from seac.weights import Weights, load_state

# (width, layers, heads, layers with global attention) of the published image encoders.
VIT: dict[str, tuple[int, int, int, tuple[int, ...]]] = {
    "sam-vit-h": (1280, 32, 16, (7, 15, 23, 31)),
    "sam-vit-l": (1024, 24, 16, (5, 11, 17, 23)),
    "sam-vit-b": (768, 12, 12, (2, 5, 8, 11)),
}
CLIP = {"clip-rn50": "RN50", "clip-vit-b-16": "ViT-B-16", "clip-vit-l-14": "ViT-L-14"}


@dataclass(frozen=True)
class Case:
    """Parts that share one set of weights.

    Attributes:
        encoder: seac's image encoder.
        reference_encoder: the published network, unchanged, with the same weights.
        sam: seac's segmenter, or None where the preset's segmenter has no reference implementation.
        reference: the published predictor with the same weights, or None.
        fast: seac's segmenter in the fast mode, or None.
    """

    encoder: VisionEncoder
    reference_encoder: VisionEncoder
    sam: Sam | None = None
    reference: ReferenceSegmenter | None = None
    fast: Sam | None = None


def build_case(spec: ModelSpec, *, random: bool) -> Case:
    """The parts of a preset, ready to be raced.

    Raises:
        InputError: unknown preset or part, a part without a reference implementation, or missing weights.
    """
    if spec.preset not in ("tiny", "paper"):
        raise InputError(f"preset {spec.preset!r} has no reference to compare with: give tiny or paper")
    chosen, weights = spec.resolve(), Weights(spec.weights_dir)
    if spec.preset == "tiny":
        if "segmenter" in spec.parts or random:
            raise InputError(
                "tiny profiles its image encoder only, with its own weights: give --preset paper, or neither "
                "--segmenter nor --random-weights"
            )
        encoder = Assembly(spec).part("vision")
        return Case(encoder, encoder)
    segmenter, vision = chosen.segmenter, chosen.vision
    if segmenter not in VIT or vision not in CLIP:
        raise InputError(f"the reference covers {', '.join(VIT)} and {', '.join(CLIP)}: choose among them")
    state = random_sam(segmenter) if random else load_state(weights(segmenter))
    reference = reference_sam(config_of(state))
    reference.load_state_dict(state)
    clip = random_clip(vision) if random else load_clip(weights(vision))[0]
    reference_clip = ReferenceClip(deepcopy(clip))
    fast = Sam(sam_of(state), settings=SamSettings.fast())
    return Case(
        ClipVision(clip, name=vision), reference_clip, Sam(sam_of(state)), ReferenceSegmenter(reference), fast
    )


def random_sam(name: str) -> dict[str, Tensor]:
    """Return a state dict of a published size with random weights under the published names."""
    from transformers import SamConfig, SamVisionConfig

    width, layers, heads, global_layers = VIT[name]
    vision = SamVisionConfig(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        global_attn_indexes=global_layers,
        mlp_dim=4 * width,
    )
    return randomise(reference_sam(SamConfig(vision_config=vision))).state_dict()


def random_clip(name: str) -> Any:
    """Build open_clip's CLIP of a published size with random weights.

    Raises:
        InputError: open_clip is not installed.
    """
    try:
        from open_clip import get_model_config, model
    except ImportError as error:
        raise InputError("CLIP needs open_clip: pip install 'seac[paper]'") from error
    network = model.CLIP(**{**get_model_config(CLIP[name]), "quick_gelu": True})
    for module in network.visual.modules():
        # The last norm of every residual branch is initialised to zero, which would disable the branch.
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    return network.eval().requires_grad_(False)


def randomise(network: nn.Module, seed: int = 0) -> nn.Module:
    """Randomise the position embeddings of ``network``, which are initialised to zero, and return it."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:
                value.copy_(torch.randn(value.shape, generator=generator) * 0.02)
    return network
