"""When is a mask said to sound? ``python -m training.calibrate --shared FOLDER`` chooses the constants.

Composites are rendered from the *training* media by the shared folder's bench builder: a sounding thing
among others, and, in every third scene, the sound of a thing that is not in the frame, where nothing may
light up. The model proposes masks as it does for a user. The logistic curve is fitted to "this mask covers
a sounding thing" (IoU at least .5); the threshold and the margin under the best mask are those that give the
best mean IoU of what lights up (1 for rightly nothing), by a grid, where the sound of something off-screen
counts as one scene in six: a guess at what people's clips are like, which they may overrule with --threshold.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import seac
from seac.associate import gate
from seac.associate.gate import Calibration
from seac.pipeline import SeAC
from seac.video.decode import SAMPLE_RATE

SECONDS = 2
OFF_SCREEN = 1 / 6
ASSET = Path(gate.__file__).parents[1] / gate.ASSET


@dataclass(frozen=True)
class Judged:
    """A scene: evidence (N,), masks (N, H, W), and what sounds (H, W), nowhere if it is off-screen."""

    evidence: Tensor
    masks: Tensor
    truth: Tensor


def judged(model: SeAC, media: Path, bench: Any, count: int, seed: int) -> list[Judged]:
    """Scenes through the model."""
    found, rng = [], random.Random(seed)
    stock = bench.Media(media)
    for number in range(count):
        name = stock.sounding[rng.randrange(len(stock.sounding))]
        things = bench.things_for(rng, stock, [name], 1 + number % 2)
        heard, visible = name, True
        if number % 3 == 2:
            shown = {thing.cls for thing in things}
            heard, visible = rng.choice([other for other in stock.sounding if other not in shown]), False
        ((picture, owner),) = bench.scene(rng, stock, things, 1)
        wave = bench.sound(rng, stock, heard, SECONDS) + bench.room(rng, SECONDS * SAMPLE_RATE)
        result = model(np.asarray(picture), wave.astype(np.float32), SAMPLE_RATE)
        truth = torch.from_numpy((owner == 0) & visible)
        evidence = torch.from_numpy(result.similarity + model.settings.objectness * result.scores)
        found.append(Judged(evidence, torch.from_numpy(result.masks), truth))
    return found


def iou(masks: Tensor, truth: Tensor) -> Tensor:
    """(N,) of masks (N, H, W) with one (H, W)."""
    joint, either = (masks & truth).sum((1, 2)), (masks | truth).sum((1, 2))
    return joint / either.clamp_min(1)


def lit(scene: Judged, least: float, margin: float) -> float:
    """IoU of what lights up with what sounds; rightly nothing is 1."""
    chosen = (scene.evidence >= least) & (scene.evidence >= scene.evidence.max() - margin)
    union = scene.masks[chosen].any(0)
    if not scene.truth.any():
        return float(not bool(union.any()))
    return float(iou(union[None], scene.truth)[0])


def worth(scenes: list[Judged], least: float, margin: float) -> float:
    """Mean of :func:`lit`, with off-screen scenes weighted as often as they are taken to be."""
    seen = [lit(scene, least, margin) for scene in scenes if scene.truth.any()]
    unseen = [lit(scene, least, margin) for scene in scenes if not scene.truth.any()]
    return float((1 - OFF_SCREEN) * np.mean(seen) + OFF_SCREEN * np.mean(unseen))


def curve(scenes: list[Judged]) -> tuple[float, float]:
    """Slope and offset of the logistic curve, by Newton's method with a little ridge."""
    cosine = torch.cat([scene.evidence for scene in scenes]).double()
    covers = torch.cat([iou(scene.masks, scene.truth) >= 0.5 for scene in scenes]).double()
    inputs = torch.stack([cosine, torch.ones_like(cosine)], 1)
    weights = torch.zeros(2, dtype=torch.float64)
    for _ in range(50):
        said = torch.sigmoid(inputs @ weights)
        slope = inputs.T @ (said - covers) + 1e-3 * weights
        bend = (inputs * (said * (1 - said))[:, None]).T @ inputs + 1e-3 * torch.eye(2, dtype=torch.float64)
        weights = weights - torch.linalg.solve(bend, slope)
    return float(weights[0]), float(weights[1])


def auroc(scores: np.ndarray, truth: np.ndarray) -> float:
    """Chance that a positive scores above a negative, ties half."""
    order = np.argsort(np.argsort(scores)) + 1
    positive = int(truth.sum())
    return float((order[truth].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive)))


def report(scenes: list[Judged], least: float, margin: float) -> dict[str, float]:
    """What the constants do on scenes."""
    seen = np.array([bool(scene.truth.any()) for scene in scenes])
    score = np.array([lit(scene, least, margin) for scene in scenes])
    best = np.array([float(scene.evidence.max()) for scene in scenes])
    return {
        "scenes": len(scenes),
        "miou_visible": round(float(score[seen].mean()), 4),
        "rightly_nothing": round(float(score[~seen].mean()), 4),
        "auroc_visible": round(auroc(best, seen), 4),
    }


def main() -> None:
    """Fit on train, report on train and dev, write the asset."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=180)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    spec = importlib.util.spec_from_file_location("build_bench", options.shared / "tools/build_bench.py")
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    model = seac.load("tiny")
    media = options.shared / "data/media"
    train = judged(model, media / "train", bench, options.scenes, options.seed)
    slope, offset = curve(train)
    grid = [
        (least, margin)
        for least in np.arange(0.3, 1.9, 0.04)
        for margin in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 2.0)
    ]
    least, margin = max(grid, key=lambda point: worth(train, *point))
    threshold = float(torch.sigmoid(torch.tensor(slope * least + offset)))
    constants = replace(
        Calibration(), slope=round(slope, 4), offset=round(offset, 4), threshold=round(threshold, 4),
        margin=round(float(margin), 4),
    )  # fmt: skip
    constants.save(ASSET)
    dev = judged(model, media / "dev", bench, options.scenes, options.seed)
    print(json.dumps({"evidence": float(least), "margin": float(margin), "threshold": threshold,
                      "composite train": report(train, least, margin),
                      "composite dev": report(dev, least, margin)}, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()
