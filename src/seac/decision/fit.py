"""The constants of a decision, from frames whose sounding pixels are known.

The logistic curve is fitted to "this mask covers what sounds" (IoU at least .5; Platt). The threshold, and
the margin under the best mask, are those that give the best mean IoU of what lights up (1 for rightly
nothing), by a grid, where frames whose sound comes from elsewhere count as one in four: a guess at what
people's clips are like, which they may overrule with ``--threshold``. The top of that is flat, and where on
it the best lies is chance, as is where it ends: of all thresholds that are nearly as good as the best, the
one in the middle is taken. Silence and noise have gates of their own and no say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.decision.activity import Calibration
from seac.metrics.functional.overlap import overlap
from seac.metrics.functional.robustness import auroc

ELSEWHERE = 1 / 4
COVERS = 0.5
MUTED = 1e3
"""Taken from the evidence where the gate heard silence or noise: nothing lights up there."""
MARGINS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 2.0)
LEVELS = 31
"""Thresholds that are tried: quantiles, up to the ninth tenth, of the frames' greatest evidence."""
FLAT = 0.01
"""How much worse than the best is as good as the best."""
NEWTON, RIDGE = 50, 1e-3
What = Literal["visible", "off-screen", "noise", "silence"]


@dataclass(frozen=True)
class Judged:
    """A frame under an association.

    Attributes:
        evidence: (N,) what is decided on (:meth:`seac.pipeline.SeAC.evidence`), greatest first.
        overlap: (N,) IoU of each of these masks with what sounds.
        joined: (N,) IoU of the union of the first 1, 2, ... N of them with what sounds.
        confidence: greatest cosine of the frame.
        what: sounds.
    """

    evidence: Tensor
    overlap: Tensor
    joined: Tensor
    confidence: float
    what: What

    @property
    def muted(self) -> bool:
        """Whether the gate heard nothing."""
        return float(self.evidence[0]) <= -MUTED / 2


@dataclass(frozen=True)
class Fit:
    """What was chosen: constants, and the least evidence that their threshold stands for."""

    constants: Calibration
    least: float

    def lights(self, frame: Judged) -> int:
        """How many masks light up."""
        least = max(self.least, float(frame.evidence[0]) - self.constants.margin)
        return int((frame.evidence >= least).sum())


def judged(
    masks: Tensor, truth: Tensor, evidence: Tensor, confidence: float, what: What, *, nothing: bool
) -> Judged:
    """A frame as :func:`fit` wants it.

    Args:
        masks: (N, H, W) bool, N at least 1.
        truth: (H, W) bool, the pixels that sound; empty unless ``what`` is "visible".
        evidence: (N,) of the masks.
        confidence: greatest cosine.
        what: sounds.
        nothing: whether the gate heard silence or noise.
    """
    values, order = evidence.sort(descending=True)
    unions = masks[order].int().cummax(0).values.bool()
    return Judged(
        values - (MUTED if nothing else 0),
        overlap(masks[order], truth),
        overlap(unions, truth),
        -1.0 if nothing else confidence,
        what,
    )


def lit(frame: Judged, chosen: Fit) -> float:
    """IoU of what lights up with what sounds; rightly nothing is 1."""
    count = chosen.lights(frame)
    if frame.what != "visible":
        return float(count == 0)
    return float(frame.joined[count - 1]) if count else 0.0


def worth(frames: Sequence[Judged], chosen: Fit) -> float:
    """Mean of :func:`lit`, off-screen sound weighted as often as it is taken to be."""
    seen = [lit(frame, chosen) for frame in frames if frame.what == "visible"]
    unseen = [lit(frame, chosen) for frame in frames if frame.what == "off-screen"]
    return float((1 - ELSEWHERE) * np.mean(seen) + ELSEWHERE * np.mean(unseen))


def curve(frames: Sequence[Judged]) -> tuple[float, float]:
    """Slope and offset of the logistic curve, by Newton's method with a little ridge; silence has no say."""
    heard = [frame for frame in frames if not frame.muted]
    evidence = torch.cat([frame.evidence for frame in heard]).double()
    covers = torch.cat([frame.overlap >= COVERS for frame in heard]).double()
    inputs = torch.stack([evidence, torch.ones_like(evidence)], 1)
    weights = torch.zeros(2, dtype=torch.float64)
    for _ in range(NEWTON):
        said = torch.sigmoid(inputs @ weights)
        slope = inputs.T @ (said - covers) + RIDGE * weights
        bend = (inputs * (said * (1 - said))[:, None]).T @ inputs + RIDGE * torch.eye(2, dtype=torch.float64)
        weights = weights - torch.linalg.solve(bend, slope)
    return float(weights[0]), float(weights[1])


def fit(frames: Sequence[Judged]) -> Fit:
    """The constants that serve these frames best.

    Raises:
        InputError: none of them shows what sounds, or none has a sound from elsewhere.
    """
    for what in ("visible", "off-screen"):
        if not any(frame.what == what and not frame.muted for frame in frames):
            raise InputError(
                f"of {len(frames)} frames none has a {what} sound that is heard: give more clips"
            )
    slope, offset = curve(frames)
    best = [float(frame.evidence[0]) for frame in frames if not frame.muted]
    grid = [
        Fit(constants(slope, offset, float(least), margin), float(least))
        for least in np.quantile(best, np.linspace(0, 0.9, LEVELS))
        for margin in MARGINS
    ]
    found = [(worth(frames, chosen), chosen) for chosen in grid]
    enough = max(each for each, _ in found) - FLAT
    good = sorted({chosen.least for each, chosen in found if each >= enough})
    least = good[len(good) // 2]
    return max((pair for pair in found if pair[1].least == least), key=lambda pair: pair[0])[1]


def constants(slope: float, offset: float, least: float, margin: float) -> Calibration:
    """The usual gates with this curve, and the threshold that stands for this evidence on it."""
    threshold = 1 / (1 + np.exp(-(slope * least + offset)))
    return replace(
        Calibration(),
        slope=round(slope, 4),
        offset=round(offset, 4),
        threshold=round(float(threshold), 5),
        margin=margin,
    )


def tried(choosing: Sequence[Judged], reporting: Sequence[Judged]) -> tuple[Calibration, dict[str, float]]:
    """Constants chosen on all frames, and what half of them report of those that the other half chooses.

    Raises:
        InputError: see :func:`fit`.
    """
    figures = report(reporting, fit(choosing))
    return fit([*choosing, *reporting]).constants, figures


def report(frames: Sequence[Judged], chosen: Fit) -> dict[str, float]:
    """What constants make of frames, best of those that they were not chosen with."""
    found: dict[str, float] = {"scenes": len(frames)}
    for what in dict.fromkeys(frame.what for frame in frames):
        share = [lit(frame, chosen) for frame in frames if frame.what == what]
        name = f"miou {what}" if what == "visible" else f"rightly nothing, {what}"
        found[name] = round(float(np.mean(share)), 4)
    confidence = torch.tensor([frame.confidence for frame in frames], dtype=torch.float64)
    visible = torch.tensor([frame.what == "visible" for frame in frames])
    off = torch.tensor([frame.what in ("visible", "off-screen") for frame in frames])
    found["auroc"] = round(auroc(confidence, visible), 4)
    found["auroc off-screen only"] = round(auroc(confidence[off], visible[off]), 4)
    likeliest = torch.tensor([float(frame.evidence[0]) for frame in frames])
    found["auroc of the greatest probability"] = round(auroc(likeliest, visible), 4)
    best = [float(frame.overlap[0]) for frame in frames if frame.what == "visible"]
    found["best mask covers it"] = round(float(np.mean(np.array(best) >= COVERS)), 4)
    return found
