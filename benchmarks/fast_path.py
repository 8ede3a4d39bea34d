"""The fast path of the mask embeddings against the exact path, on real photographs with recordings.

    python -m benchmarks.fast_path --data DATA/real [--limit N] [--cache FOLDER] [--write PAGE]

Two photographs side by side of ``photos/dev`` with a recording of one of them. Every way to embed the same
masks is compared with the exact path: rank correlation and first mask of the similarity and of the
probability of the sounding head. ``right`` is the share of frames whose likeliest mask is on the sounding
side.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.command import pair_parser, publish
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.pairs import (
    CATEGORIES,
    choose_recording,
    draw_pairs,
    loudest,
    main_classes,
    mask_side,
    side_by_side,
)
from benchmarks.tables import table
from recipes.common.options import errors_in_one_line
from seac.associate.embed import embed_masks
from seac.core.types import EncodedAudio, EncodedImage
from seac.media.decode import load_waveform
from seac.pipeline import SeAC
from seac.presets.load import load

EXACT = "exact"


@dataclass(frozen=True)
class Variant:
    """A way to embed masks; see :class:`seac.associate.views.ViewSettings`.

    Attributes:
        exact: both views of every mask.
        crops: masks with a local crop; 0 for all.
        size: side of the local crops in pixels.
    """

    exact: bool
    crops: int = 0
    size: int = 128


VARIANTS: Mapping[str, Variant] = {
    EXACT: Variant(exact=True),
    "12 crops of 128 pixels (tiny)": Variant(exact=False, crops=12),
    "all crops of 128 pixels": Variant(exact=False),
    "all crops of 192 pixels": Variant(exact=False, size=192),
    "all crops of 260 pixels": Variant(exact=False, size=260),
}


@dataclass(frozen=True)
class Ranking:
    """Values of the masks of one frame.

    Attributes:
        similarity: (N,) of the association.
        probability: (N,) of the sounding head.
        right: whether the likeliest mask is on the sounding side.
        seconds: CPU time of the embeddings.
    """

    similarity: Tensor
    probability: Tensor
    right: bool
    seconds: float


@torch.inference_mode()
def rank(model: SeAC, image: EncodedImage, audio: EncodedAudio, variant: Variant, sides: Tensor) -> Ranking:
    """Embed the masks of an image and rank them; ``sides`` (N,) bool are those on the sounding side."""
    views = replace(model.settings.views, fast_crops=variant.crops, fast_size=variant.size)
    masks, stages = image.proposals, model.stages
    began = time.process_time()
    embeddings = embed_masks(image.image, masks.masks, masks.boxes, stages.vision, views, exact=variant.exact)
    seconds = time.process_time() - began
    own = replace(image, embeddings=embeddings, text_embeddings=stages.to_text_space(embeddings).cpu())
    similarity = stages.association(embeddings, audio.features).float().cpu()
    head, weight = stages.sounding_head, model.settings.objectness
    # Suppressed masks share one logit; the order is that before masks are weighed against one another.
    logits = head.window_logits(similarity[None], own, audio.features, weight)[0]
    chosen = head.join(logits[None], own)[0]
    probability = stages.calibration.probability(logits)
    return Ranking(similarity, probability, bool(sides[chosen.argmax()]), seconds)


def rankings(
    model: SeAC, images: EncodedImages, data: Path, limit: int, seed: int
) -> Iterator[dict[str, Ranking]]:
    """Rankings of every variant, for ``limit`` scenes of each category."""
    rng, rate = np.random.default_rng(seed), model.stages.audio.sample_rate
    photos = main_classes(data / "photos" / "dev")
    for category in CATEGORIES:
        for classes, files in draw_pairs(photos, category, limit, rng):
            pixels, border = side_by_side(*files)
            image = images.encode(pixels, (int(pixels.shape[1]), int(pixels.shape[2])))
            side = int(rng.integers(2))
            recording = choose_recording(data / "recordings" / "dev", classes[side], rng)
            audio = model.encode_audio(loudest(load_waveform(recording, rate), 2 * rate), rate)
            if len(image.proposals) < 2:
                continue
            sides = torch.tensor([mask_side(mask, border) == side for mask in image.proposals.masks.numpy()])
            yield {name: rank(model, image, audio, variant, sides) for name, variant in VARIANTS.items()}


def correlation(first: Tensor, second: Tensor) -> float:
    """Spearman's rank correlation of two tensors (N,)."""
    a, b = (values.argsort().argsort().float() for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (a.norm() * b.norm()).clamp_min(1e-9))


def page(found: Sequence[Mapping[str, Ranking]]) -> list[str]:
    """Lines of Markdown."""
    rows = []
    for name in VARIANTS:
        pairs = [(each[name], each[EXACT]) for each in found]
        figures = [
            np.mean([correlation(own.similarity, exact.similarity) for own, exact in pairs]),
            np.mean([bool(own.similarity.argmax() == exact.similarity.argmax()) for own, exact in pairs]),
            np.mean([correlation(own.probability, exact.probability) for own, exact in pairs]),
            np.mean([bool(own.probability.argmax() == exact.probability.argmax()) for own, exact in pairs]),
            np.mean([own.right for own, _ in pairs]),
        ]
        cost = 1000 * float(np.median([own.seconds for own, _ in pairs]))
        rows.append([name, *(f"{value:.3f}" for value in figures), f"{cost:.0f}"])
    heads = ["embeddings", "rank of similarity", "first of similarity", "rank of probability"]
    return [
        f"{len(found)} frames.",
        "",
        *table([*heads, "first of probability", "right", "CPU ms a frame"], rows),
    ]


def main() -> None:
    """Measure, print, and write the page."""
    options = pair_parser(__doc__, "fast path", 30).parse_args()
    torch.set_num_threads(1)
    with errors_in_one_line():
        model = load("tiny")
        images = EncodedImages(model, options.cache)
        found = list(rankings(model, images, options.data, options.limit, options.seed))
    lines = page(found)
    publish(lines, options.write, "fast path")


if __name__ == "__main__":
    main()
