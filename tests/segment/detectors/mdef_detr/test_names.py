"""The state dict has the names and shapes of the released file."""

from __future__ import annotations

from collections.abc import Iterator

from seac.segment.detectors.mdef_detr.sizes import base_text
from tests.segment.detectors.mdef_detr.weights import build_on_meta

Shape = tuple[int, ...]
AFFINE = ("weight", "bias")


def linear(name: str, out: int, into: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (out, into)
    yield f"{name}.bias", (out,)


def norm(name: str, channels: int = 256) -> Iterator[tuple[str, Shape]]:
    yield from ((f"{name}.{part}", (channels,)) for part in AFFINE)


def frozen(name: str, channels: int) -> Iterator[tuple[str, Shape]]:
    yield from ((f"{name}.{part}", (channels,)) for part in (*AFFINE, "running_mean", "running_var"))


def backbone() -> Iterator[tuple[str, Shape]]:
    body = "backbone.0.body"
    yield f"{body}.conv1.weight", (64, 3, 7, 7)
    yield from frozen(f"{body}.bn1", 64)
    channels = 64
    for stage, blocks in enumerate((3, 4, 23, 3)):
        width = 64 << stage
        for block in range(blocks):
            name = f"{body}.layer{stage + 1}.{block}"
            convolutions = ((width, channels, 1), (width, width, 3), (4 * width, width, 1))
            for index, (out, into, side) in enumerate(convolutions, start=1):
                yield f"{name}.conv{index}.weight", (out, into, side, side)
                yield from frozen(f"{name}.bn{index}", out)
            if block == 0:
                yield f"{name}.downsample.0.weight", (4 * width, channels, 1, 1)
                yield from frozen(f"{name}.downsample.1", 4 * width)
            channels = 4 * width


def deformable(name: str) -> Iterator[tuple[str, Shape]]:
    for part, out in (("sampling_offsets", 256), ("attention_weights", 128)):
        yield from linear(f"{name}.{part}", out, 256)
    for part in ("value_proj", "output_proj"):
        yield from linear(f"{name}.{part}", 256, 256)


def attention(name: str) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.in_proj_weight", (768, 256)
    yield f"{name}.in_proj_bias", (768,)
    yield from linear(f"{name}.out_proj", 256, 256)


def feed_forward(name: str, norms: int) -> Iterator[tuple[str, Shape]]:
    yield from linear(f"{name}.linear1", 1024, 256)
    yield from linear(f"{name}.linear2", 256, 1024)
    for index in range(norms):
        yield from norm(f"{name}.norm{index + 1}")


def text() -> Iterator[tuple[str, Shape]]:
    name = "transformer.text_encoder"
    for part, rows in (("word", 50265), ("position", 514), ("token_type", 1)):
        yield f"{name}.embeddings.{part}_embeddings.weight", (rows, 768)
    yield from norm(f"{name}.embeddings.LayerNorm", 768)
    for index in range(12):
        layer = f"{name}.encoder.layer.{index}"
        for part in ("query", "key", "value"):
            yield from linear(f"{layer}.attention.self.{part}", 768, 768)
        yield from linear(f"{layer}.attention.output.dense", 768, 768)
        yield from norm(f"{layer}.attention.output.LayerNorm", 768)
        yield from linear(f"{layer}.intermediate.dense", 3072, 768)
        yield from linear(f"{layer}.output.dense", 768, 3072)
        yield from norm(f"{layer}.output.LayerNorm", 768)
    yield from linear(f"{name}.pooler.dense", 768, 768)


def released() -> Iterator[tuple[str, Shape]]:
    yield from backbone()
    for index, channels in enumerate((512, 1024, 2048, 2048)):
        side = 3 if index == 3 else 1
        yield f"input_proj.{index}.0.weight", (256, channels, side, side)
        yield f"input_proj.{index}.0.bias", (256,)
        yield from norm(f"input_proj.{index}.1")
    yield "query_embed.weight", (300, 512)
    for index in range(6):
        yield from linear(f"class_embed.{index}", 256, 256)
        for layer, out in enumerate((256, 256, 4)):
            yield from linear(f"bbox_embed.{index}.layers.{layer}", out, 256)
    yield "transformer.level_embed", (4, 256)
    yield from linear("transformer.reference_points", 2, 256)
    for index in range(6):
        yield from deformable(f"transformer.encoder.layers.{index}.self_attn")
        yield from feed_forward(f"transformer.encoder.layers.{index}", 2)
        yield from deformable(f"transformer.decoder.layers.{index}.cross_attn")
        yield from attention(f"transformer.decoder.layers.{index}.self_attn")
        yield from feed_forward(f"transformer.decoder.layers.{index}", 3)
        yield from attention(f"transformer.img_text_attn.layers.{index}.self_attn")
        yield from feed_forward(f"transformer.img_text_attn.layers.{index}", 2)
    yield from linear("transformer.resizer.fc", 256, 768)
    yield from norm("transformer.resizer.layer_norm")
    yield from text()


def test_names_and_shapes_are_the_released_ones() -> None:
    ours = {name: tuple(tensor.shape) for name, tensor in build_on_meta(base_text()).state_dict().items()}
    assert ours == dict(released())


def test_there_are_1091_of_them_520_in_the_backbone_and_199_in_the_text_encoder() -> None:
    names = [name for name, _ in released()]
    assert len(names) == len(set(names)) == 1091
    assert sum(name.startswith("backbone.") for name in names) == 520
    assert sum(name.startswith("transformer.text_encoder.") for name in names) == 199
