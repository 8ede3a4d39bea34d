"""Estimated cost of extracting VGGSound and AudioSet, from measurements and counted operations.

    python -m benchmarks.extraction_cost --measured docs/extraction.json --document docs/extraction.md

The cost of a measured preset is its CPU seconds per clip. For other presets, the operations of the networks
(multiplications and additions of matrix products, convolutions and attention) are counted on meta tensors and
divided by the assumed speed of a GPU: ``--peak`` times ``--share``. Not counted, and so covered by the share:
resizing and blurring of views, sampling in deformable attention, transfer of masks. The cost of decoding is
the measured one. Bytes follow from the store's schema, with measured sizes of run-length codes and of
compressed class probabilities.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.tables import replace_section, table
from seac.profiling.roofline import arithmetic

SETS = {"VGGSound, 144k": 144_000, "AudioSet, 2M": 2_000_000}
FRAMES, MASKS, SECONDS = 5, 50, 5
HALF = 2
"""Bytes of one float16 value."""


@dataclass(frozen=True)
class Work:
    """Operations of a network per frame and per clip."""

    part: str
    per_frame: float = 0.0
    per_clip: float = 0.0


@dataclass(frozen=True)
class Shape:
    """Values that determine the bytes of a clip: feature sizes, audio windows, Hz."""

    d_m: int
    d_a: int
    windows: int
    sample_rate: int
    masks: int = MASKS


def operations(run: Callable[[], object]) -> float:
    """Number of multiplications and additions of a call."""
    with torch.no_grad():
        return arithmetic(run)


def freeze(network: nn.Module) -> Any:
    """A network in evaluation mode without gradients, as the counter requires."""
    return network.eval().requires_grad_(requires_grad=False)


def blank(*shape: int) -> Tensor:
    """A meta tensor."""
    return torch.zeros(shape, device="meta")


def mdef_detr() -> Work:
    """MDef-DETR on a frame of 800 x 1066; on the CPU, as autocast does not support meta tensors."""
    from seac.segment.detectors.mdef_detr.network import MDefDetr

    with torch.device("cpu"):
        network = freeze(MDefDetr())
        return Work("MDef-DETR", operations(lambda: network.encode_image(torch.zeros(1, 3, 800, 1066))))


def sam_h() -> Work:
    """SAM ViT-H: a frame, and 50 boxes."""
    from transformers import SamConfig, SamModel, SamVisionConfig

    vision = SamVisionConfig(
        hidden_size=1280,
        num_hidden_layers=32,
        num_attention_heads=16,
        mlp_dim=5120,
        global_attn_indexes=[7, 15, 23, 31],
    )
    network = freeze(SamModel(SamConfig(vision_config=vision)))
    encoder_operations = operations(lambda: network.get_image_embeddings(blank(1, 3, 1024, 1024)))
    boxes = blank(1, MASKS, 4)
    return Work(
        "SAM ViT-H",
        encoder_operations
        + operations(lambda: network(image_embeddings=blank(1, 256, 64, 64), input_boxes=boxes)),
    )


def sam2_l() -> Work:
    """SAM 2.1 Hiera-L: a frame, and 50 boxes."""
    from transformers import Sam2Config, Sam2HieraDetConfig, Sam2Model, Sam2VisionConfig

    widths = [144, 288, 576, 1152]
    backbone = Sam2HieraDetConfig(
        hidden_size=widths[0],
        num_attention_heads=2,
        blocks_per_stage=[2, 6, 36, 4],
        embed_dim_per_stage=widths,
        num_attention_heads_per_stage=[2, 4, 8, 16],
        window_size_per_stage=[8, 4, 16, 8],
        global_attention_blocks=[23, 33, 43],
        window_positional_embedding_background_size=[7, 7],
    )
    vision = Sam2VisionConfig(backbone_config=backbone, backbone_channel_list=widths[::-1])
    network = freeze(Sam2Model(Sam2Config(vision_config=vision)))
    encoder_operations = operations(lambda: network.get_image_embeddings(blank(1, 3, 1024, 1024)))
    levels = [blank(1, 32, 256, 256), blank(1, 64, 128, 128), blank(1, 256, 64, 64)]
    boxes = blank(1, MASKS, 4)
    return Work(
        "SAM 2.1 Hiera-L",
        encoder_operations + operations(lambda: network(image_embeddings=levels, input_boxes=boxes)),
    )


def owlv2() -> Work:
    """OWLv2 base, objectness: a frame of 960 x 960."""
    from transformers import Owlv2Config, Owlv2ForObjectDetection

    network = freeze(
        Owlv2ForObjectDetection(Owlv2Config(vision_config={"image_size": 960, "patch_size": 16}))
    )
    return Work("OWLv2", operations(lambda: network.image_embedder(blank(1, 3, 960, 960))))


def clip_rn50() -> Work:
    """CLIP RN50: two views of 50 masks."""
    CLIP: Any = getattr(import_module("open_clip.model"), "CLIP")  # noqa: B009

    text = {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}
    image_config = {"image_size": 224, "layers": [3, 4, 6, 3], "width": 64, "patch_size": None}
    network = freeze(CLIP(embed_dim=1024, vision_cfg=image_config, text_cfg=text))
    return Work("CLIP RN50", operations(lambda: network.visual(blank(2 * MASKS, 3, 224, 224))))


def siglip2() -> Work:
    """SigLIP 2 base: two views of 50 masks."""
    from transformers import SiglipVisionConfig, SiglipVisionModel

    network = freeze(SiglipVisionModel(SiglipVisionConfig()))
    return Work("SigLIP 2 base", operations(lambda: network(blank(2 * MASKS, 3, 224, 224))))


def vggish() -> Work:
    """VGGish: five windows."""
    from seac.encoders.audio.vggish import VGGish

    network = freeze(VGGish())
    return Work("VGGish", per_clip=operations(lambda: network(blank(SECONDS, 1, 96, 64))))


def clap() -> Work:
    """CLAP's audio encoder: one window of ten seconds."""
    from transformers import ClapAudioConfig, ClapAudioModel

    network = freeze(ClapAudioModel(ClapAudioConfig()))
    return Work("CLAP", per_clip=operations(lambda: network(blank(1, 1, 1001, 64))))


COUNTED: dict[str, tuple[tuple[Callable[[], Work], ...], Shape]] = {
    "paper": ((mdef_detr, sam_h, clip_rn50, vggish), Shape(1024, 128, 5, 16_000)),
    "modern": ((owlv2, sam2_l, siglip2, clap), Shape(768, 512, 1, 48_000)),
}


def count_bytes(shape: Shape, code: float) -> float:
    """Bytes of a clip without class probabilities: views, boxes, scores, codes, audio and its windows."""
    masks = FRAMES * shape.masks * (2 * shape.d_m * HALF + 5 * 4 + code)
    return masks + SECONDS * shape.sample_rate * HALF + shape.windows * shape.d_a * HALF


def build_rows(
    measured: dict[str, Any], peak: float, share: float
) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of the table of costs, and of the table of counted operations."""
    clips = measured["new"]
    cores = sum(measured["stage_cpu_seconds"].values()) / clips
    decode = measured["stage_cpu_seconds"]["decode"] / clips
    costs, works = [], []
    tiny = [
        f"{measured['preset']}, measured",
        f"{cores:.1f} core seconds",
        f"{measured['bytes_per_clip'] / 1e6:.2f}",
    ]
    for size in SETS.values():
        tiny += [f"{cores * size / 3600:,.0f} core hours", f"{measured['bytes_per_clip'] * size / 1e12:.2f}"]
    costs.append(tiny)
    for preset, (parts, shape) in COUNTED.items():
        with torch.device("meta"):
            done = [part() for part in parts]
        total = sum(FRAMES * work.per_frame + work.per_clip for work in done)
        works += [
            [
                f"{preset}: {w.part}",
                f"{w.per_frame / 1e9:,.0f}",
                f"{(FRAMES * w.per_frame + w.per_clip) / 1e9:,.0f}",
            ]
            for w in done
        ]
        seconds, room = total / (peak * 1e12 * share), count_bytes(shape, measured["bytes_per_code"])
        row = [
            f"{preset}, not measured",
            f"{seconds:.2f} GPU + {decode:.2f} core seconds",
            f"{room / 1e6:.2f}",
        ]
        for count in SETS.values():
            row += [
                f"{seconds * count / 3600:,.0f} GPU + {decode * count / 3600:,.0f} core hours",
                f"{room * count / 1e12:.2f}",
            ]
        costs.append(row)
    return costs, works


def main(arguments: list[str] | None = None) -> None:
    """Compute and print; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measured", type=Path, required=True, help="records of benchmarks.extraction")
    parser.add_argument("--document", type=Path, help="document whose tables are updated")
    parser.add_argument(
        "--peak", type=float, default=989, help="peak of the GPU in 10^12 operations per second, bfloat16"
    )
    parser.add_argument("--share", type=float, default=0.25, help="assumed share of the peak that is reached")
    given = parser.parse_args(arguments)
    measured = json.loads(given.measured.read_text(encoding="utf-8"))[0]
    costs, works = build_rows(measured, given.peak, given.share)
    heads = ["preset", "a clip", "MB a clip"]
    for name in SETS:
        heads += [name, "TB"]
    command = " ".join(["python -m benchmarks.extraction_cost", *(arguments or sys.argv[1:])])
    assumed = (
        f"GPU: {given.peak:g} x 10^12 operations a second at best, {given.share:.0%} of it reached (assumed)."
    )
    lines = [
        f"Written by `{command}`. {assumed}",
        "",
        *table(heads, costs),
        "",
        f"Work counted, {MASKS} masks a frame, {FRAMES} frames a clip (10^9 multiplications and additions):",
        "",
        *table(["network", "a frame", "a clip"], works),
    ]
    print("\n".join(lines))
    if given.document:
        replace_section(given.document, "cost", lines)


if __name__ == "__main__":
    main()
