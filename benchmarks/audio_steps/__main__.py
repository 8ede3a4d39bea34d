"""When masks sound in steps of a tenth of a second: rules compared on audio with known times.

    python -m benchmarks.audio_steps --data DATA/real [--limit N] [--cache FOLDER] [--write PAGE]

Two photographs side by side, of ``photos/dev``, and recordings of ``recordings/dev`` that sound at random
times: over silence, over noise, in turn, and with an off-screen source. The constants of
:class:`seac.decision.audio_steps.StepRule` are those of the best F1.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.audio_steps.timed_audio import SCENARIOS, SECONDS, Edges, TimedAudio, render
from benchmarks.command import pair_parser, publish
from benchmarks.real_clips.encoded import EncodedImages
from benchmarks.real_clips.pairs import CATEGORIES, draw_pairs, main_classes, mask_side, side_by_side
from benchmarks.tables import table
from recipes.common.options import errors_in_one_line
from seac.core.atomic import write_atomic
from seac.core.types import EncodedImage
from seac.decision.audio_steps import StepRule, active_steps, close_gaps, step_levels
from seac.decision.network_head import MAX_LOGIT
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.results.values import STEP
from seac.video.audio_steps import StepReader, step_probabilities, window_logits

RULE = StepRule()
EVERY = replace(RULE, windows=((0.5, 1), (1.0, 1)), far=0, near=0, contrast=1e9, gap=0)
"""Every window at every step, without a level rule."""
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """A scene with the logits of its masks in every step.

    Attributes:
        audio: waveform and times.
        image: encoded pair of photographs.
        sides: (N,) photograph of each mask, 0 or 1.
        logits: (S, N) of each length of windows, the short ones first.
        levels: (S,) dBFS.
    """

    audio: TimedAudio
    image: EncodedImage
    sides: NDArray[np.int64]
    logits: tuple[Floats, Floats]
    levels: Floats


class Waveform:
    """A waveform as a :class:`seac.video.audio_steps.WaveformReader`."""

    def __init__(self, samples: Floats, rate: int) -> None:
        self._samples, self._rate = torch.from_numpy(samples), rate

    def read(self, start: float, stop: float) -> Tensor:
        """The waveform from ``start`` to ``stop`` seconds: (S,)."""
        return self._samples[max(0, round(start * self._rate)) : round(stop * self._rate)]


def scenes(model: SeAC, images: EncodedImages, data: Path, limit: int, seed: int) -> Iterator[Scene]:
    """Render and encode scenes, ``limit`` pairs of photographs of each category."""
    rng, rate = np.random.default_rng(seed), model.stages.audio.sample_rate
    photos = main_classes(data / "photos" / "dev")
    number = 0
    for category in CATEGORIES:
        for names, files in draw_pairs(photos, category, limit, rng):
            pixels, border = side_by_side(*files)
            image = images.encode(pixels, (int(pixels.shape[1]), int(pixels.shape[2])))
            audio = render(data / "recordings" / "dev", names, SCENARIOS[number % len(SCENARIOS)], rate, rng)
            number += 1
            sides = np.array([mask_side(mask, border) for mask in image.proposals.masks.numpy()])
            yield Scene(audio, image, sides, *analyse(model, image, audio))


@torch.inference_mode()
def analyse(model: SeAC, image: EncodedImage, audio: TimedAudio) -> tuple[tuple[Floats, Floats], Floats]:
    """Logits of every step for each length of windows, and the levels of the steps."""
    rate = model.stages.audio.sample_rate
    stages = model.stages
    without_floor = replace(stages, calibration=replace(stages.calibration, floor=-math.inf))
    every = SeAC(without_floor, model.vocabulary, model.settings)
    steps = StepReader(Waveform(audio.waveform, rate), every, EVERY).take(0, round(SECONDS / STEP))
    short, long = (window_logits(every, image, each.features)[each.rows].numpy() for each in steps.windows)
    return (short, long), step_levels(audio.waveform, round(STEP * rate))


def mean_cost(model: SeAC, scene: Scene) -> float:
    """CPU milliseconds of the steps of one second, without the encoding of the image."""
    reader = StepReader(Waveform(scene.audio.waveform, model.stages.audio.sample_rate), model)
    began = time.process_time()
    step_probabilities(model, scene.image, reader.take(0, round(SECONDS / STEP)))
    return 1000 * (time.process_time() - began) / SECONDS


@dataclass(frozen=True)
class Variant:
    """A way to decide which masks sound in a step.

    Attributes:
        logits: logits (S, N) of a scene.
        rule: constants of the level rule; None for no rule.
        threshold: least probability.
    """

    logits: Callable[[Scene], Floats]
    rule: StepRule | None = RULE
    threshold: float = 0.5


def mean(scene: Scene, hop: int = RULE.windows[1][1], share: float = 0.5) -> Floats:
    """Mean logits of short windows and of long ones, which ``hop`` steps share."""
    short, long = scene.logits
    rows = np.minimum(np.arange(len(long)) // hop * hop + hop // 2, len(long) - 1)
    return np.asarray((1 - share) * short + share * long[rows], np.float32)


def least(scene: Scene, spread: int, *, ends: bool = False) -> Floats:
    """Least logits of the long windows within ``spread`` steps, or of the two at both ends only."""
    long = scene.logits[1]
    padded = np.pad(long, ((spread, spread), (0, 0)), mode="edge")
    parts = [padded[first : first + len(long)] for first in range(0, 2 * spread + 1)]
    return np.asarray(np.minimum.reduce([parts[0], parts[-1]] if ends else parts))


def known(scene: Scene) -> Floats:
    """Logits that know which of the two things sounds in the scene: what is left is the level rule."""
    sounding = np.array([bool(scene.audio.times[side]) for side in scene.sides])
    return np.broadcast_to(np.where(sounding, MAX_LOGIT, -MAX_LOGIT), scene.logits[0].shape).astype(
        np.float32
    )


def variants() -> dict[str, Variant]:
    """Ways to compare, by name; the first uses the constants of the package."""
    found = {
        "1 s and 2 s windows, level rule": Variant(mean),
        "2 s windows": Variant(lambda scene: scene.logits[1], None),
        "1 s windows": Variant(lambda scene: scene.logits[0], None),
        "least of 2 s windows within 0.3 s": Variant(lambda scene: least(scene, 3), None),
        "least of 2 s windows within 0.7 s": Variant(lambda scene: least(scene, 7), None),
        "least of 2 s before and 2 s after": Variant(lambda scene: least(scene, 10, ends=True), None),
        "2 s windows, level rule": Variant(lambda scene: scene.logits[1]),
        "1 s windows, level rule": Variant(lambda scene: scene.logits[0]),
        "least within 0.3 s, level rule": Variant(lambda scene: least(scene, 3)),
        "every step its own 2 s window": Variant(lambda scene: mean(scene, 1)),
        "known sources, level rule": Variant(known),
    }
    for name, values in {
        "share": (0.3, 0.5), "contrast": (3.0, 10.0), "near": (10, 30), "far": (10, 30), "gap": (1, 2, 5),
    }.items():  # fmt: skip
        for value in values:
            changed = {name: value}
            found[f"{name} {value:g}"] = Variant(mean, replace(RULE, **changed))  # type: ignore[arg-type]
    return found


def answer(model: SeAC, scene: Scene, variant: Variant) -> Bools:
    """In which steps each of the two things sounds: (S, 2) bool."""
    stages = model.stages
    joined = stages.sounding_head.join(torch.from_numpy(variant.logits(scene)), scene.image)
    probability = stages.calibration.probability(joined).numpy()
    active = np.zeros((len(probability), 2), np.bool_)
    for side in (0, 1):
        if (scene.sides == side).any():
            active[:, side] = probability[:, scene.sides == side].max(1) >= variant.threshold
    if variant.rule is None:
        return active & (scene.levels >= stages.calibration.floor)[:, None]
    active &= active_steps(scene.levels, stages.calibration.floor, variant.rule)[:, None]
    return np.stack([close_gaps(column, variant.rule.gap) for column in active.T], 1)


def compare(model: SeAC, found: Iterator[Scene]) -> tuple[dict[str, dict[str, float]], float]:
    """Scores of every variant, and the mean cost in CPU milliseconds per second."""
    compared = variants()
    edges, costs = {name: Edges.empty() for name in compared}, []
    for scene in found:
        costs.append(mean_cost(model, scene))
        for name, variant in compared.items():
            edges[name].add(scene.audio, answer(model, scene, variant), STEP)
    return {name: each.scores() for name, each in edges.items()}, float(np.mean(costs))


def page(scores: Mapping[str, Mapping[str, float]], cost: float, count: int) -> list[str]:
    """Lines of Markdown."""
    heads = list(next(iter(scores.values())))
    rows = [[name, *(f"{row[head]:.3f}" for head in heads)] for name, row in scores.items()]
    return [
        f"{count} scenes of {SECONDS:g} s. The audio side costs {cost:.0f} CPU milliseconds per second.",
        "",
        *table(["rule", *heads], rows),
    ]


def main() -> None:
    """Measure, print, and write the files asked for."""
    parser = pair_parser(__doc__, "audio steps", 40)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--json", type=Path, help="file for all scores")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with errors_in_one_line():
        model = load(options.preset)
        images = EncodedImages(model, options.cache)
        scores, cost = compare(model, scenes(model, images, options.data, options.limit, options.seed))
    lines = page(scores, cost, len(CATEGORIES) * options.limit)
    publish(lines, options.write, "audio steps")
    if options.json is not None:
        write_atomic(options.json, json.dumps({"scores": scores, "cost_ms": cost}, indent=1) + "\n")


if __name__ == "__main__":
    main()
