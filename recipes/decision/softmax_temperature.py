"""Choose the softmax temperature, the objectness weight and sigma on composites.

    python -m recipes.decision.softmax_temperature [--media FOLDER] [--scenes 160] [--seed 5]

Composites of the dev media, half with one sounding object and half with two, are encoded once. The values are
chosen on half of the scenes and reported on the other half. Temperature and objectness weight maximise the
sum of mean IoU at .5 (official in S4 and MS3) and best F over all thresholds of the heatmap (Eq. 4); sigma
maximises the sum of mean IoU and F of the mask of Eq. 5.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

import seac
from recipes.common.composites.clips import CompositeClip, render_multi_source, render_single_source
from recipes.common.composites.media import Media
from recipes.common.options import add_media, open_media
from seac.associate.aggregate import aggregate
from seac.decision.sounding import softmax_scores
from seac.media.decode import SAMPLE_RATE
from seac.metrics.functional.avsbench import avsbench
from seac.metrics.functional.curves import f_measure
from seac.pipeline import SeAC

SECONDS = 5
TEMPERATURES = (0.0, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02)
OBJECTNESS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
Point = TypeVar("Point")
SIGMAS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class ScoredScene:
    """A scene with the scores of its N proposals.

    Attributes:
        similarity: (N,) similarity with the audio.
        scores: (N,) objectness.
        masks: (N, H, W) proposals.
        truth: (H, W) bool, the pixels of the sounding objects.
        sounding: number of sounding objects.
    """

    similarity: Tensor
    scores: Tensor
    masks: Tensor
    truth: Tensor
    sounding: int


def score_scenes(model: SeAC, media: Media, count: int, seed: int) -> list[ScoredScene]:
    """Render and score scenes with alternately two and one sounding cut-outs."""
    rng = np.random.default_rng(seed)
    return [
        score_single_source(model, media, rng) if number % 2 else score_multi_source(model, media, rng)
        for number in range(count)
    ]


def score_single_source(model: SeAC, media: Media, rng: np.random.Generator) -> ScoredScene:
    """A scene as in S4: one sounding class and silent distractors."""
    name, distractors = str(rng.choice(media.classes)), int(rng.choice([1, 1, 2]))
    return score_scene(model, render_single_source(rng, media, name, distractors, 1, SECONDS), 0)


def score_multi_source(model: SeAC, media: Media, rng: np.random.Generator) -> ScoredScene:
    """A scene as in MS3: two sounding classes, not always at the same time."""
    clip = render_multi_source(rng, media, SECONDS, 0)
    sounding = clip.active.any(0)
    middle = int(min(np.flatnonzero(sounding), key=lambda second: abs(second - SECONDS // 2)))
    return score_scene(model, clip, middle)


def score_scene(model: SeAC, clip: CompositeClip, frame: int) -> ScoredScene:
    """Score one frame of a clip with the audio of the whole clip."""
    encoded_image = model.encode_image(clip.frames[frame].image)
    encoded_audio = model.encode_audio(clip.waveform, SAMPLE_RATE)
    similarity = model.stages.association(encoded_image.embeddings, encoded_audio.features).float().cpu()
    return ScoredScene(
        similarity,
        encoded_image.proposals.scores,
        encoded_image.proposals.masks,
        torch.from_numpy(clip.mask(frame)),
        int(clip.active[:, frame].sum()),
    )


def heatmaps(scenes: Sequence[ScoredScene], temperature: float, objectness: float) -> Tensor:
    """The heatmaps (Eq. 4) of F scenes: (F, H, W)."""
    return torch.stack(
        [
            aggregate(softmax_scores(scene.similarity + objectness * scene.scores, temperature), scene.masks)
            for scene in scenes
        ]
    )


def evaluate_heatmaps(
    scenes: Sequence[ScoredScene], temperature: float, objectness: float
) -> dict[str, float]:
    """Mean IoU at .5 and F over the dataset."""
    truth = torch.stack([scene.truth for scene in scenes])
    logits = torch.logit(heatmaps(scenes, temperature, objectness), eps=1e-6)
    return avsbench(logits, truth, clips_per_batch=None)


def evaluate_classification(
    scenes: Sequence[ScoredScene], temperature: float, objectness: float, sigma: float
) -> dict[str, float]:
    """Class-agnostic mean IoU and F of the mask of Eq. 5."""
    predicted = heatmaps(scenes, temperature, objectness) > sigma
    truth = torch.stack([scene.truth for scene in scenes])
    both = (predicted & truth).sum((1, 2)).double()
    area, size = predicted.sum((1, 2)).double(), truth.sum((1, 2)).double()
    iou = both / (area + size - both).clamp(min=1)
    f = f_measure(both / area.clamp(min=1), both / size.clamp(min=1)).nan_to_num(0)
    return {"miou": float(iou.mean()), "fscore": float(f.mean())}


def best(points: Sequence[Point], of: Callable[[Point], dict[str, float]]) -> Point:
    """The point with the highest sum of mIoU and F."""
    return max(points, key=lambda point: sum(of(point).values()))


def main() -> None:
    """Choose the values on one half of the scenes and report on the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_media(parser)
    parser.add_argument("--scenes", type=int, default=160)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--association-method", default=None)
    parser.add_argument(
        "--objectness", type=float, default=None, help="fix the objectness weight at this value"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = seac.load("tiny", association_method=options.association_method)
    scenes = score_scenes(model, open_media(options.media), options.scenes, options.seed)
    choosing, reporting = scenes[: len(scenes) // 2], scenes[len(scenes) // 2 :]
    weights = OBJECTNESS if options.objectness is None else (options.objectness,)
    grid = [(temperature, weight) for temperature in TEMPERATURES for weight in weights]
    point = best(grid, lambda at: evaluate_heatmaps(choosing, *at))
    sigma = best(SIGMAS, lambda value: evaluate_classification(choosing, *point, value))
    figures: dict[str, Any] = {"softmax_temperature": point[0], "objectness": point[1], "sigma": sigma}
    for label, (temperature, weight) in {
        "chosen": point,
        "Eq. 4 as published": (0.0, 0.0),
        "no softmax temperature": (0.0, point[1]),
        "no objectness": (point[0], 0.0),
    }.items():
        for count_name, part in (
            ("one sounds", [s for s in reporting if s.sounding == 1]),
            ("two sound", [s for s in reporting if s.sounding == 2]),
        ):
            figures[f"{label}, {count_name}"] = {
                k: round(v, 4) for k, v in evaluate_heatmaps(part, temperature, weight).items()
            }
    for value in SIGMAS:
        scored = evaluate_classification(reporting, *point, value)
        figures[f"sigma {value}"] = {k: round(v, 4) for k, v in scored.items()}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
