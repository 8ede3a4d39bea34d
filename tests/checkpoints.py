"""Tiny random checkpoints in the published formats: ``python -m tests.checkpoints DIR`` writes them.

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
        vision_config={
            "hidden_size": 24,
            "output_channels": 32,
            "num_hidden_layers": 3,
            "num_attention_heads": 3,
            "image_size": SIDE,
            "patch_size": 8,
            "mlp_ratio": 2.0,
            "window_size": 3,
            "global_attn_indexes": [1],
            "num_pos_feats": 16,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": SIDE, "patch_size": 8},
        mask_decoder_config={"hidden_size": 32, "mlp_dim": 48, "iou_head_hidden_dim": 40, "vit_dim": 24},
    )
    return randomised(SamHQModel(config), seed)


def sam2(seed: int = 0) -> Any:
    """transformers' SAM 2.1, its video half too as in the published files, with few channels."""
    from transformers import Sam2VideoConfig, Sam2VideoModel

    config = Sam2VideoConfig(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "num_attention_heads": 1,
                "image_size": [SIDE, SIDE],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 2, 4, 8],
                "window_size_per_stage": [4, 2, 2, 2],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [3, 3],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": SIDE, "patch_size": 16},
        mask_decoder_config={"hidden_size": 32, "mlp_dim": 48, "iou_head_hidden_dim": 32},
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


def clip(tower: str = "resnet", seed: int = 0) -> tuple[Any, dict[str, Any]]:
    """open_clip's CLIP with few channels, and its config; the text half keeps the real vocabulary."""
    from open_clip.model import CLIP

    vision = (
        {"image_size": 64, "layers": [1, 1, 1, 1], "width": 4, "patch_size": None}
        if tower == "resnet"
        else {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8}
    )
    model = {
        "embed_dim": 32,
        "vision_cfg": vision,
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 4, "heads": 1, "layers": 2},
        "quick_gelu": True,
    }
    return randomised(CLIP(**model), seed), {"model_cfg": model, "preprocess_cfg": {}}


def vggish(seed: int = 0) -> Any:
    """VGGish with few channels."""
    from seac.associate.audio.vggish import VGGish

    return randomised(VGGish((4, 0, 8, 0, 8, 8, 0, 8, 8, 0), 16, 128), seed)


def words(folder: Path, length: int) -> Any:
    """A tokenizer of a few hundred letters and marks, saved into a folder."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    letters = [chr(code) for code in range(32, 127)]
    vocabulary = {word: number for number, word in enumerate([*marks, *letters])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=length,
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


VOCABULARY = 99


def siglip(seed: int = 0) -> Any:
    """transformers' SigLIP with few channels."""
    from transformers import SiglipConfig, SiglipModel

    layer = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = dict(layer, vocab_size=VOCABULARY, max_position_embeddings=64, projection_size=32)
    return randomised(
        SiglipModel(SiglipConfig(text_config=text, vision_config=dict(layer, image_size=32, patch_size=8))),
        seed,
    )


def clap(seed: int = 0) -> Any:
    """transformers' CLAP with few channels."""
    from transformers import ClapConfig, ClapModel

    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 130,
        "projection_dim": 24,
    }
    audio = {
        "spec_size": 256,
        "num_mel_bins": 64,
        "hidden_size": 16,
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1],
        "num_attention_heads": [2, 2],
        "window_size": 4,
        "projection_dim": 24,
        "num_classes": 4,
    }
    return randomised(ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=24)), seed)


def owlv2(seed: int = 0) -> Any:
    """transformers' OWLv2 with few channels."""
    from transformers import Owlv2Config, Owlv2ForObjectDetection

    layer = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    return randomised(
        Owlv2ForObjectDetection(
            Owlv2Config(
                text_config=dict(layer, vocab_size=VOCABULARY),
                vision_config=dict(layer, image_size=96, patch_size=16),
                projection_dim=32,
            )
        ),
        seed,
    )


def grounding_dino(seed: int = 0) -> Any:
    """transformers' MM-Grounding-DINO with few channels."""
    from transformers import MMGroundingDinoConfig, MMGroundingDinoForObjectDetection, SwinConfig

    backbone = SwinConfig(
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        image_size=64,
        out_features=["stage2", "stage3", "stage4"],
        out_indices=[2, 3, 4],
    )
    text = {
        "model_type": "bert",
        "vocab_size": VOCABULARY,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 64,
    }
    config = MMGroundingDinoConfig(
        backbone_config=backbone,
        text_config=text,
        d_model=32,
        encoder_layers=1,
        encoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_layers=2,
        decoder_ffn_dim=32,
        decoder_attention_heads=2,
        num_queries=30,
        fusion_droppath=0.0,
    )
    return randomised(MMGroundingDinoForObjectDetection(config), seed)


def mdef_detr(seed: int = 0) -> Any:
    """MDef-DETR with few channels; its vocabulary is as long as the tokens of "all objects" need."""
    from seac.segment.mdef_detr.network import MDefDetr
    from seac.segment.mdef_detr.sizes import Sizes, text_of

    network = MDefDetr(text_of(8721, 8, 16, 12), Sizes(stem=4, channels=32, hidden=32, queries=40, classes=8))
    return randomised(network, seed)


def association(d_m: int, d_a: int, folder: Path) -> None:
    """An association of random weights for features of these sizes."""
    from seac.associate.module import AssociationConfig, AssociationModule
    from seac.associate.trained import write

    config = AssociationConfig(d_m=d_m, d_a=d_a, words=0.0)
    write(randomised(AssociationModule(config)), folder / "association.safetensors")


def make(folder: Path) -> Path:
    """A weights folder with one tiny checkpoint for every record that a preset can name."""
    sam_like = {"SamHQ": sam_hq, "Sam2": sam2}
    rows: dict[str, Callable[[Path], None]] = {
        "mdef-detr": _mdef_detr,
        "owlv2": _owlv2,
        "mm-grounding-dino": _grounding_dino,
        "siglip2-base": _siglip,
        "clap-htsat": _clap,
        "vggish": lambda place: torch.save(vggish().state_dict(), place / "vggish-10086976.pth"),
        "clip-rn50": lambda place: _clip(place, "resnet"),
        "clip-vit-b-16": lambda place: _clip(place, "vit"),
        "clip-vit-l-14": lambda place: _clip(place, "vit"),
        "association-paper": lambda place: association(32, 128, place),
        "sam-vit-h": lambda place: torch.save(plain_sam().state_dict(), place / "sam_vit_h_4b8939.pth"),
        "sam-vit-l": lambda place: torch.save(plain_sam().state_dict(), place / "sam_vit_l_0b3195.pth"),
        "sam-vit-b": lambda place: torch.save(plain_sam().state_dict(), place / "sam_vit_b_01ec64.pth"),
        **{f"sam-hq-vit-{size}": lambda place: sam_like["SamHQ"]().save_pretrained(place) for size in "hlb"},
        **{
            f"sam2.1-hiera-{size}": lambda place: sam_like["Sam2"]().save_pretrained(place) for size in "lbst"
        },
    }
    for name, build in rows.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        build(folder / name)
    return folder


def _mdef_detr(place: Path) -> None:
    from seac.segment.mdef_detr.checkpoint import save

    save(mdef_detr(), place / "MDef_DETR_r101_epoch20.pth")


def _owlv2(place: Path) -> None:
    from transformers import Owlv2ImageProcessor

    owlv2().save_pretrained(place)
    Owlv2ImageProcessor(size={"height": 96, "width": 96}).save_pretrained(place)


def _grounding_dino(place: Path) -> None:
    from transformers import GroundingDinoImageProcessor

    grounding_dino().save_pretrained(place)
    GroundingDinoImageProcessor(size={"shortest_edge": 64, "longest_edge": 128}).save_pretrained(place)
    words(place, 64)


def _siglip(place: Path) -> None:
    siglip().save_pretrained(place)
    words(place, 64)


def _clap(place: Path) -> None:
    from transformers import ClapFeatureExtractor

    clap().save_pretrained(place)
    ClapFeatureExtractor(
        frequency_min=50, frequency_max=14_000, truncation="rand_trunc", padding="repeatpad"
    ).save_pretrained(place)
    words(place, 128)


def _clip(place: Path, tower: str) -> None:
    from safetensors.torch import save_file

    network, config = clip(tower)
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()},
        place / "open_clip_model.safetensors",
    )
    (place / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(f"{make(Path(sys.argv[1]))}\n")
