"""Differences between our outputs and the reference outputs, for the tests and the benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seac.segment.detectors.mdef_detr import MDefDetr, stack
from seac.segment.detectors.mdef_detr.boxes import corners, merge, objectness, truncate
from seac.segment.detectors.mdef_detr.deformable import sample
from seac.segment.detectors.mdef_detr.position import levels_of, sine_positions
from seac.segment.detectors.mdef_detr.preprocess import normalise, prepare
from seac.segment.detectors.mdef_detr.sentences import pad_tokens

Arrays = Mapping[str, np.ndarray]
EXACT = ("mask", "text_mask", "shapes", "prep_shape", "post_boxes", "post_merged_boxes")
ABSOLUTE = ("boxes", "objectness", "post_scores", "post_merged_scores")


@dataclass(frozen=True)
class Difference:
    """Difference of one array from the reference.

    Attributes:
        name: name of the array.
        largest: maximum difference, relative to the reference's maximum; absolute for boxes and scores; for
            integers and masks the number of entries that differ.
        kind: "relative", "absolute" or "unequal entries".
    """

    name: str
    largest: float
    kind: str


def load(shared: Path) -> Arrays:
    """Load all reference arrays."""
    with np.load(shared / "golden" / "mdef_detr.npz") as archive:
        return {name: archive[name] for name in archive.files}


def compare(name: str, ours: Any, reference: np.ndarray) -> Difference:
    """Compare one array with the reference."""
    array = np.asarray(ours.detach() if isinstance(ours, Tensor) else ours)
    if array.shape != reference.shape:
        raise AssertionError(f"{name}: ours is {array.shape}, the reference {reference.shape}")
    short = name.split("_", 1)[1] if name.split("_", 1)[0] in ("a", "b", "ab", "a12") else name
    if short in EXACT:
        return Difference(name, float((array != reference).sum()), "unequal entries")
    largest = float(np.abs(array.astype(np.float64) - reference).max())
    if short in ABSOLUTE:
        return Difference(name, largest, "absolute")
    return Difference(name, largest / float(np.abs(reference).max()), "relative")


@torch.no_grad()
def differences(full: MDefDetr, short: MDefDetr, golden: Arrays) -> Iterator[Difference]:
    """Yield the difference of every array.

    Args:
        full: network with the reference weights and 12 text layers.
        short: the same network with 2 text layers.
        golden: result of :func:`load`.
    """
    images = {key: _pixels(golden[f"image_{key}"]) for key in "ab"}
    tokens = [tuple(golden[f"tokens_q{index}"].tolist()) for index in range(4)]
    for prefix, keys, sentences in (("a", "a", (0,)), ("b", "b", (2,)), ("ab", "ab", (0, 2))):
        batch = stack([images[key] for key in keys])
        ids, mask = pad_tokens([tokens[index] for index in sentences])
        for name, ours in trace(short, batch.pixel_values, batch.pixel_mask, ids, mask).items():
            for key, part in slices(name, ours, full=prefix == "a").items():
                if f"{prefix}_{key}" in golden:
                    yield compare(f"{prefix}_{key}", part, golden[f"{prefix}_{key}"])
    image = short.encode_image(images["a"][None])
    ids, mask = pad_tokens(tokens[:1])
    text = full.encode_text(ids, mask)
    predictions = full.decode(image, text)
    hidden = full.transformer.text_encoder(ids).last_hidden_state
    for name, ours in {"roberta": hidden, "text": text.tokens, **outputs(predictions)}.items():
        if f"a12_{name}" in golden:
            yield compare(f"a12_{name}", ours, golden[f"a12_{name}"])
    yield from _postprocessing(short, image, tokens, golden)
    yield from _preprocessing_and_sampling(golden)


def _postprocessing(
    network: MDefDetr, image: Any, tokens: list[tuple[int, ...]], golden: Arrays
) -> Iterator[Difference]:
    predictions = network.decode(image, network.encode_text(*pad_tokens(tokens)))
    boxes, scores = corners(predictions.boxes, 457, 640), objectness(predictions.logits)
    yield compare("post_boxes_float", boxes, golden["post_boxes_float"])
    yield compare("post_scores", scores, golden["post_scores"])
    # From the reference's floats: a difference of 1e-6 pixels may truncate to another integer.
    truncated = truncate(torch.from_numpy(golden["post_boxes_float"]))
    yield compare("post_boxes", truncated, golden["post_boxes"])
    merged = merge(truncated.flatten(0, 1), torch.from_numpy(golden["post_scores"]).flatten())
    yield compare("post_merged_boxes", merged.boxes, golden["post_merged_boxes"])
    yield compare("post_merged_scores", merged.scores, golden["post_merged_scores"])


def _preprocessing_and_sampling(golden: Arrays) -> Iterator[Difference]:
    pixels = prepare(golden["prep_image"])
    yield compare("prep_shape", pixels.shape, golden["prep_shape"])
    yield compare("prep_slice", pixels[:, ::23, ::23], golden["prep_slice"])
    value, locations, weights = (
        torch.from_numpy(golden[f"msda_{name}"]) for name in ("value", "loc", "weights")
    )
    shapes = tuple((int(height), int(width)) for height, width in golden["msda_shapes"])
    yield compare("msda_out", sample(value, shapes, locations, weights), golden["msda_out"])


def _pixels(image: np.ndarray) -> Tensor:
    return normalise(torch.from_numpy(image).permute(2, 0, 1))


def outputs(predictions: Any) -> dict[str, Tensor]:
    """Return the network's outputs under the reference's names."""
    return {
        "logits": predictions.logits,
        "logit_last": predictions.logits[..., -1],
        "objectness": objectness(predictions.logits),
        "boxes": predictions.boxes,
    }


def trace(
    network: MDefDetr, pixels: Tensor, pixel_mask: Tensor | None, ids: Tensor, mask: Tensor
) -> dict[str, Tensor]:
    """Run a forward pass and return all intermediate outputs."""
    traced: dict[str, Tensor] = {}
    transformer = network.transformer
    modules: dict[str, nn.Module] = {"roberta": transformer.text_encoder, "text": transformer.resizer}
    modules |= {"memory": transformer.encoder, "decoder": transformer.decoder}
    modules["backbone"] = network.backbone[0]
    layer_lists: dict[str, Any] = {
        "enc": transformer.encoder,
        "dec": transformer.decoder,
        "fuse": transformer.img_text_attn,
    }
    for name, layers in layer_lists.items():
        modules |= {f"{name}{index}": layer for index, layer in enumerate(layers.layers)}
    modules |= {f"src{index}": layer for index, layer in enumerate(network.input_proj)}
    handles = [module.register_forward_hook(_record(traced, name)) for name, module in modules.items()]
    try:
        predictions = network(pixels, ids, pixel_mask, mask)
    finally:
        for handle in handles:
            handle.remove()
    queries = predictions.logits.shape[1]
    maps = [traced[f"src{index}"].shape for index in range(4)]
    shapes = tuple((shape[2], shape[3]) for shape in maps)
    levels = levels_of(shapes, pixel_mask, len(pixels), pixels.device)
    encodings = sine_positions(levels)
    traced |= {f"pos{index}": encoding.permute(0, 3, 1, 2) for index, encoding in enumerate(encodings)}
    traced |= {"shapes": torch.tensor(levels.shapes), "valid_ratios": levels.ratios, "text_mask": mask == 0}
    if levels.real is not None:
        traced["mask"] = ~levels.real
    traced["hs"], traced["hs_text"] = traced["fuse5"][:, :queries], traced["fuse5"][:, queries:]
    traced["ref"] = network.reference_points().sigmoid()
    return traced | outputs(predictions)


def _record(traced: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any, Any], None]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        if name == "backbone":
            traced.update({f"backbone{index}": level for index, level in enumerate(output)})
        else:
            traced[name] = getattr(output, "last_hidden_state", output)

    return hook


def slices(name: str, ours: Tensor, full: bool) -> dict[str, Tensor]:
    """Return the parts of an array that are in the reference; ``full`` for prefix a, which has more."""
    kind, level = name.rstrip("0123456789"), name[-1:]
    if kind == "backbone":
        summary = torch.stack((ours.flatten(1).mean(1), ours.flatten(1).std(1)), 1)
        return {name: ours[:, :: ours.shape[1] // 16, ::2, ::2], f"{name}_meanstd": summary}
    if kind in ("src", "pos"):
        return {name: ours[:, ::16, ::2, ::2] if level in "01" else ours[:, ::16]}
    steps: dict[str, Tensor] = {
        "enc": ours[:, ::16, ::16] if kind == "enc" else ours,
        "dec": ours[:, :300:10, ::16] if kind == "dec" else ours,
        "fuse": ours[:, :300:10, ::16] if kind == "fuse" else ours,
        "memory": ours[:, ::4, ::8] if kind == "memory" else ours,
        "hs": ours[:, ::3, ::4] if kind == "hs" else ours,
        "decoder": (ours[:, ::3] if full else ours[:, ::3, ::4]) if kind == "decoder" else ours,
        "logits": (ours[:, :, ::2] if full else ours[:, ::3, ::4]) if kind == "logits" else ours,
    }
    return {name: steps.get(kind, ours)}
