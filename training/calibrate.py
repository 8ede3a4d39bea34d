"""When is a mask said to sound? ``python -m training.calibrate --shared FOLDER`` chooses the constants.

Composites are rendered from the *dev* media by the shared folder's bench builder: of six scenes, three in
which a thing among others sounds, and three in which nothing visible does, because the sound is of a thing
that is not in the frame, or is a room's noise, or silence. The model proposes masks as it does for a user.
For every association, the logistic curve is fitted to "this mask covers a sounding thing" (IoU at least .5);
the threshold and the margin under the best mask are those that give the best mean IoU of what lights up (1
for rightly nothing), by a grid, where scenes whose sound comes from elsewhere count as one in four: a guess
at what people's clips are like, which they may overrule with --threshold. Silence and noise have gates of
their own and no say in it. Half of the scenes choose, the other half
report; ``--json FILE`` keeps the figures.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

import seac
from benchmarks.shared import renderer
from seac.associate import gate
from seac.associate.association import Association
from seac.associate.gate import Calibration
from seac.evaluation.functional.robustness import auroc
from seac.evaluation.overlap import overlap
from seac.pipeline import Listened, SeAC, Seen
from seac.video.decode import SAMPLE_RATE

SECONDS = 5
ELSEWHERE = 1 / 4
MUTED = 1e3
"""Taken from the evidence where the gate heard silence: nothing lights up there."""
ASSET = Path(gate.__file__).parents[1] / gate.ASSET
What = Literal["visible", "off-screen", "noise", "silence"]
TURN: tuple[What, ...] = (
    "visible",
    "off-screen",
    "visible",
    "noise",
    "visible",
    "off-screen",
    "visible",
    "silence",
)


@dataclass(frozen=True)
class Observed:
    """A scene as the frozen networks see and hear it; ``overlap`` (N,) is masks' IoU with what sounds."""

    seen: Seen
    listened: Listened
    truth: Tensor
    overlap: Tensor
    what: What


@dataclass(frozen=True)
class Judged:
    """A scene under an association.

    Attributes:
        evidence: (N,), greatest first. overlap: (N,) IoU of each of these masks with what sounds.
        joined: (N,) IoU of the union of the first 1, 2, ... N of them with what sounds.
        confidence: of the frame.
        what: sounds.
    """

    evidence: Tensor
    overlap: Tensor
    joined: Tensor
    confidence: float
    what: What


def observed(model: SeAC, media: Path, bench: Any, count: int, seed: int) -> list[Observed]:
    """Scenes through the frozen networks, once."""
    found, rng = [], random.Random(seed)
    stock = bench.Media(media)
    for number in range(count):
        what = TURN[number % len(TURN)]
        name = stock.sounding[rng.randrange(len(stock.sounding))]
        things = bench.things_for(rng, stock, [name], number % 3)
        ((picture, owner),) = bench.scene(rng, stock, things, 1)
        shown = {thing.cls for thing in things}
        heard = rng.choice([other for other in stock.sounding if other not in shown])
        wave = np.zeros(SECONDS * SAMPLE_RATE, np.float32)
        if what != "silence":
            wave = bench.room(rng, len(wave))
        if what in ("visible", "off-screen"):
            wave = wave + bench.sound(rng, stock, name if what == "visible" else heard, SECONDS)
        seen = model.see(np.asarray(picture))
        truth = torch.from_numpy((owner == 0) & (what == "visible"))
        listened = model.hear(wave.astype(np.float32), SAMPLE_RATE)
        found.append(Observed(seen, listened, truth, overlap(seen.proposals.masks, truth), what))
    return found


def judged(
    scenes: Sequence[Observed], association: Association, evidence: Callable[[Tensor, Tensor], Tensor]
) -> list[Judged]:
    """What an association makes of the scenes."""
    found = []
    for scene in scenes:
        similarity = association(scene.seen.embeddings, scene.listened.features)
        silent = scene.listened.heard.nothing
        values, order = evidence(similarity, scene.seen.proposals.scores).sort(descending=True)
        unions = scene.seen.proposals.masks[order].int().cummax(0).values.bool()
        found.append(
            Judged(
                values - (MUTED if silent else 0),
                scene.overlap[order],
                overlap(unions, scene.truth),
                -1.0 if silent else float(similarity.max()),
                scene.what,
            )
        )
    return found


def lit(scene: Judged, least: float, margin: float) -> float:
    """IoU of what lights up with what sounds; rightly nothing is 1."""
    count = int((scene.evidence >= max(least, float(scene.evidence[0]) - margin)).sum())
    if scene.what != "visible":
        return float(count == 0)
    return float(scene.joined[count - 1]) if count else 0.0


def worth(scenes: Sequence[Judged], least: float, margin: float) -> float:
    """Mean of :func:`lit`, off-screen sound weighted as often as it is taken to be."""
    seen = [lit(scene, least, margin) for scene in scenes if scene.what == "visible"]
    unseen = [lit(scene, least, margin) for scene in scenes if scene.what == "off-screen"]
    return float((1 - ELSEWHERE) * np.mean(seen) + ELSEWHERE * np.mean(unseen))


def curve(scenes: Sequence[Judged]) -> tuple[float, float]:
    """Slope and offset of the logistic curve, by Newton's method with a little ridge; silence has no say."""
    heard = [scene for scene in scenes if float(scene.evidence[0]) > -MUTED / 2]
    evidence = torch.cat([scene.evidence for scene in heard]).double()
    covers = torch.cat([scene.overlap >= 0.5 for scene in heard]).double()
    inputs = torch.stack([evidence, torch.ones_like(evidence)], 1)
    weights = torch.zeros(2, dtype=torch.float64)
    for _ in range(50):
        said = torch.sigmoid(inputs @ weights)
        slope = inputs.T @ (said - covers) + 1e-3 * weights
        bend = (inputs * (said * (1 - said))[:, None]).T @ inputs + 1e-3 * torch.eye(2, dtype=torch.float64)
        weights = weights - torch.linalg.solve(bend, slope)
    return float(weights[0]), float(weights[1])


def report(scenes: Sequence[Judged], least: float, margin: float) -> dict[str, float]:
    """What the constants make of scenes."""
    found: dict[str, float] = {"scenes": len(scenes)}
    for what in dict.fromkeys(TURN):
        score = [lit(scene, least, margin) for scene in scenes if scene.what == what]
        found[f"miou {what}" if what == "visible" else f"rightly nothing, {what}"] = round(
            float(np.mean(score)), 4
        )
    confidence = torch.tensor([scene.confidence for scene in scenes], dtype=torch.float64)
    visible = torch.tensor([scene.what == "visible" for scene in scenes])
    off = torch.tensor([scene.what in ("visible", "off-screen") for scene in scenes])
    found["auroc"] = round(auroc(confidence, visible), 4)
    found["auroc off-screen only"] = round(auroc(confidence[off], visible[off]), 4)
    likeliest = torch.tensor([float(scene.evidence[0]) for scene in scenes])
    found["auroc of the greatest probability"] = round(auroc(likeliest, visible), 4)
    best = [float(scene.overlap[0]) for scene in scenes if scene.what == "visible"]
    found["best mask covers it"] = round(float(np.mean(np.array(best) >= 0.5)), 4)
    return found


def chosen(scenes: Sequence[Judged]) -> tuple[Calibration, float, float]:
    """Constants, and the least evidence and margin that they stand for."""
    slope, offset = curve(scenes)
    best = [float(scene.evidence[0]) for scene in scenes if float(scene.evidence[0]) > -MUTED / 2]
    grid = [
        (float(least), margin)
        for least in np.quantile(best, np.linspace(0, 0.9, 31))
        for margin in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 2.0)
    ]
    least, margin = max(grid, key=lambda point: worth(scenes, *point))
    threshold = float(torch.sigmoid(torch.tensor(slope * least + offset)))
    constants = replace(
        Calibration(), slope=round(slope, 4), offset=round(offset, 4), threshold=round(threshold, 5),
        margin=margin,
    )  # fmt: skip
    return constants, least, margin


def main() -> None:
    """Choose on one half of dev composites, report on the other, write the asset."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--objectness", type=float, nargs="*", help="also report at these weights")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bench = renderer(options.shared)
    eyes_and_ears = seac.load("tiny", associate="zero-shot")
    scenes = observed(eyes_and_ears, options.shared / "data/media/dev", bench, options.scenes, options.seed)
    half = len(TURN)
    choosing = [scene for index, scene in enumerate(scenes) if index // half % 2 == 0]
    reporting = [scene for index, scene in enumerate(scenes) if index // half % 2 == 1]
    figures: dict[str, Any] = {}
    for name in ("zero-shot", "trained"):
        model = seac.load("tiny", associate=name)
        own = model.settings.objectness
        for weight in sorted({own, *(options.objectness or ())}):
            weighted = lambda similarity, scores, weight=weight: similarity + weight * scores  # noqa: E731
            constants, least, margin = chosen(judged(choosing, model.stages.association, weighted))
            if weight == own:
                constants.save(ASSET, name)
            figures[f"{name}, objectness {weight:g}"] = report(
                judged(reporting, model.stages.association, weighted), least, margin
            )
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
