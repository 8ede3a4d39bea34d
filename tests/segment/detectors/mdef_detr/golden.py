"""Every array of the reference outputs beside ours; the tests judge it and the benchmark prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seac.segment.detectors.mdef_detr import MDefDetr, stack
from seac.segment.detectors.mdef_detr.boxes import corners, merge, objectness, whole_pixels
from seac.segment.detectors.mdef_detr.deformable import sample
from seac.segment.detectors.mdef_detr.position import levels_of, sine_positions
from seac.segment.detectors.mdef_detr.preprocess import normalise, prepare
from seac.segment.detectors.mdef_detr.sentences import padded

Arrays = Mapping[str, np.ndarray]
EXACT = ("mask", "text_mask", "shapes", "prep_shape", "post_boxes", "post_merged_boxes")
ABSOLUTE = ("boxes", "objectness", "post_scores", "post_merged_scores")


@dataclass(frozen=True)
class Difference:
    """How far one array of ours is from the reference.

    Attributes:
        name: of the array.
        largest: greatest difference; relative to the reference's largest value, or absolute for boxes and
            scores, or the number of entries that differ for integers and masks.
        kind: "relative", "absolute" or "unequal entries".
    """

    name: str
    largest: float
    kind: str


def load(shared: Path) -> Arrays:
    """All arrays."""
    with np.load(shared / "golden" / "mdef_detr.npz") as archive:
        return {name: archive[name] for name in archive.files}


def compare(name: str, ours: Any, reference: np.ndarray) -> Difference:
    """One array."""
    mine = np.asarray(ours.detach() if isinstance(ours, Tensor) else ours)
    if mine.shape != reference.shape:
        raise AssertionError(f"{name}: ours is {mine.shape}, the reference {reference.shape}")
    short = name.split("_", 1)[1] if name.split("_", 1)[0] in ("a", "b", "ab", "a12") else name
    if short in EXACT:
        return Difference(name, float((mine != reference).sum()), "unequal entries")
    gap = float(np.abs(mine.astype(np.float64) - reference).max())
    if short in ABSOLUTE:
        return Difference(name, gap, "absolute")
    return Difference(name, gap / float(np.abs(reference).max()), "relative")


@torch.no_grad()
def differences(full: MDefDetr, short: MDefDetr, golden: Arrays) -> Iterator[Difference]:
    """All arrays in turn.

    Args:
        full: the rule's weights with 12 text layers.
        short: with 2.
        golden: from :func:`load`.
    """
    pictures = {key: _pixels(golden[f"image_{key}"]) for key in "ab"}
    tokens = [tuple(golden[f"tokens_q{index}"].tolist()) for index in range(4)]
    for prefix, keys, sentences in (("a", "a", (0,)), ("b", "b", (2,)), ("ab", "ab", (0, 2))):
        batch = stack([pictures[key] for key in keys])
        ids, mask = padded([tokens[index] for index in sentences])
        for name, ours in trace(short, batch.pixel_values, batch.pixel_mask, ids, mask).items():
            for key, part in slices(name, ours, whole=prefix == "a").items():
                if f"{prefix}_{key}" in golden:
                    yield compare(f"{prefix}_{key}", part, golden[f"{prefix}_{key}"])
    image = short.encode_image(pictures["a"][None])
    ids, mask = padded(tokens[:1])
    text = full.encode_text(ids, mask)
    found = full.decode(image, text)
    hidden = full.transformer.text_encoder(ids).last_hidden_state
    for name, ours in {"roberta": hidden, "text": text.tokens, **outputs(found)}.items():
        if f"a12_{name}" in golden:
            yield compare(f"a12_{name}", ours, golden[f"a12_{name}"])
    yield from _post(short, image, tokens, golden)
    yield from _bare(golden)


def _post(
    network: MDefDetr, image: Any, tokens: list[tuple[int, ...]], golden: Arrays
) -> Iterator[Difference]:
    found = network.decode(image, network.encode_text(*padded(tokens)))
    boxes, scores = corners(found.boxes, 457, 640), objectness(found.logits)
    yield compare("post_boxes_float", boxes, golden["post_boxes_float"])
    yield compare("post_scores", scores, golden["post_scores"])
    # From the reference's own floats on: a millionth of a pixel may cut to another integer.
    cut = whole_pixels(torch.from_numpy(golden["post_boxes_float"]))
    yield compare("post_boxes", cut, golden["post_boxes"])
    merged = merge(cut.flatten(0, 1), torch.from_numpy(golden["post_scores"]).flatten())
    yield compare("post_merged_boxes", merged.boxes, golden["post_merged_boxes"])
    yield compare("post_merged_scores", merged.scores, golden["post_merged_scores"])


def _bare(golden: Arrays) -> Iterator[Difference]:
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


def outputs(found: Any) -> dict[str, Tensor]:
    """What the network answers, under the reference's names."""
    return {
        "logits": found.logits,
        "logit_last": found.logits[..., -1],
        "objectness": objectness(found.logits),
        "boxes": found.boxes,
    }


def trace(
    network: MDefDetr, pixels: Tensor, pixel_mask: Tensor | None, ids: Tensor, mask: Tensor
) -> dict[str, Tensor]:
    """A forward pass with everything on the way, whole."""
    seen: dict[str, Tensor] = {}
    transformer = network.transformer
    watched: dict[str, nn.Module] = {"roberta": transformer.text_encoder, "text": transformer.resizer}
    watched |= {"memory": transformer.encoder, "decoder": transformer.decoder}
    watched["backbone"] = network.backbone[0]
    stacks: dict[str, Any] = {
        "enc": transformer.encoder,
        "dec": transformer.decoder,
        "fuse": transformer.img_text_attn,
    }
    for name, layers in stacks.items():
        watched |= {f"{name}{index}": layer for index, layer in enumerate(layers.layers)}
    watched |= {f"src{index}": layer for index, layer in enumerate(network.input_proj)}
    handles = [module.register_forward_hook(_keep(seen, name)) for name, module in watched.items()]
    try:
        found = network(pixels, ids, pixel_mask, mask)
    finally:
        for handle in handles:
            handle.remove()
    queries = found.logits.shape[1]
    maps = [seen[f"src{index}"].shape for index in range(4)]
    shapes = tuple((shape[2], shape[3]) for shape in maps)
    levels = levels_of(shapes, pixel_mask, len(pixels), pixels.device)
    seen |= {f"pos{index}": place.permute(0, 3, 1, 2) for index, place in enumerate(sine_positions(levels))}
    seen |= {"shapes": torch.tensor(levels.shapes), "valid_ratios": levels.ratios, "text_mask": mask == 0}
    if levels.real is not None:
        seen["mask"] = ~levels.real
    seen["hs"], seen["hs_text"] = seen["fuse5"][:, :queries], seen["fuse5"][:, queries:]
    seen["ref"] = network.reference_points().sigmoid()
    return seen | outputs(found)


def _keep(seen: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any, Any], None]:
    def hook(module: nn.Module, given: Any, answer: Any) -> None:
        if name == "backbone":
            seen.update({f"backbone{index}": level for index, level in enumerate(answer)})
        else:
            seen[name] = getattr(answer, "last_hidden_state", answer)

    return hook


def slices(name: str, ours: Tensor, whole: bool) -> dict[str, Tensor]:
    """The parts of an array that the reference holds; ``whole`` for prefix a, which holds more."""
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
        "decoder": (ours[:, ::3] if whole else ours[:, ::3, ::4]) if kind == "decoder" else ours,
        "logits": (ours[:, :, ::2] if whole else ours[:, ::3, ::4]) if kind == "logits" else ours,
    }
    return {name: steps.get(kind, ours)}
