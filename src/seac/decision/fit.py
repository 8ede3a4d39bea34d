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
from seac.decision.calibration import Calibration
from seac.metrics.functional.overlap import overlap
from seac.metrics.functional.robustness import auroc

ELSEWHERE = 1 / 4
COVERS = 0.5
SILENCE_PENALTY = 1e3
"""Taken from the evidence where the gate heard silence or noise: nothing lights up there."""
MARGINS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 2.0)
LEVELS = 31
"""Thresholds that are tried: quantiles, up to the ninth tenth, of the frames' greatest evidence."""
FLAT = 0.01
"""How much worse than the best is as good as the best."""
NEWTON, RIDGE = 50, 1e-3
SampleType = Literal["visible", "off-screen", "noise", "silence"]


@dataclass(frozen=True)
class Sample:
    """A frame under an association.

    Attributes:
        logits: (N,) what is decided on (:meth:`seac.pipeline.SeAC.logits`), greatest first.
        overlap: (N,) IoU of each of these masks with what sounds.
        union_overlap: (N,) IoU of the union of the first 1, 2, ... N of them with what sounds.
        confidence: greatest cosine of the frame.
        sample_type: sounds.
    """

    logits: Tensor
    overlap: Tensor
    union_overlap: Tensor
    confidence: float
    sample_type: SampleType

    @property
    def silenced(self) -> bool:
        """Whether the gate heard nothing."""
        return float(self.logits[0]) <= -SILENCE_PENALTY / 2


@dataclass(frozen=True)
class Fit:
    """What was chosen: constants, and the least evidence that their threshold stands for."""

    constants: Calibration
    min_logit: float

    def count_active(self, frame: Sample) -> int:
        """How many masks light up."""
        min_logit = max(self.min_logit, float(frame.logits[0]) - self.constants.margin)
        return int((frame.logits >= min_logit).sum())


def build_sample(
    masks: Tensor,
    truth: Tensor,
    logits: Tensor,
    confidence: float,
    sample_type: SampleType,
    *,
    inactive: bool,
) -> Sample:
    """A frame as :func:`fit` wants it.

    Args:
        masks: (N, H, W) bool, N at least 1.
        truth: (H, W) bool, the pixels that sound; empty unless ``sample_type`` is "visible".
        logits: (N,) of the masks.
        confidence: greatest cosine.
        sample_type: sounds.
        inactive: whether the gate heard silence or noise.
    """
    values, order = logits.sort(descending=True)
    unions = masks[order].int().cummax(0).values.bool()
    return Sample(
        values - (SILENCE_PENALTY if inactive else 0),
        overlap(masks[order], truth),
        overlap(unions, truth),
        -1.0 if inactive else confidence,
        sample_type,
    )


def score_sample(frame: Sample, chosen: Fit) -> float:
    """IoU of what lights up with what sounds; rightly nothing is 1."""
    count = chosen.count_active(frame)
    if frame.sample_type != "visible":
        return float(count == 0)
    return float(frame.union_overlap[count - 1]) if count else 0.0


def objective(frames: Sequence[Sample], chosen: Fit) -> float:
    """Mean of :func:`score_sample`, off-screen sound weighted as often as it is taken to be."""
    visible = [score_sample(frame, chosen) for frame in frames if frame.sample_type == "visible"]
    off_screen = [score_sample(frame, chosen) for frame in frames if frame.sample_type == "off-screen"]
    return float((1 - ELSEWHERE) * np.mean(visible) + ELSEWHERE * np.mean(off_screen))


def curve(frames: Sequence[Sample]) -> tuple[float, float]:
    """Slope and offset of the logistic curve, by Newton's method with a little ridge; silence has no say."""
    audible = [frame for frame in frames if not frame.silenced]
    logits = torch.cat([frame.logits for frame in audible]).double()
    covered = torch.cat([frame.overlap >= COVERS for frame in audible]).double()
    inputs = torch.stack([logits, torch.ones_like(logits)], 1)
    weights = torch.zeros(2, dtype=torch.float64)
    for _ in range(NEWTON):
        probability = torch.sigmoid(inputs @ weights)
        slope = inputs.T @ (probability - covered) + RIDGE * weights
        hessian = (inputs * (probability * (1 - probability))[:, None]).T @ inputs + RIDGE * torch.eye(
            2, dtype=torch.float64
        )
        weights = weights - torch.linalg.solve(hessian, slope)
    return float(weights[0]), float(weights[1])


def fit(frames: Sequence[Sample]) -> Fit:
    """The constants that serve these frames best.

    Raises:
        InputError: none of them shows what sounds, or none has a sound from elsewhere.
    """
    for sample_type in ("visible", "off-screen"):
        if not any(frame.sample_type == sample_type and not frame.silenced for frame in frames):
            raise InputError(
                f"of {len(frames)} frames none has a {sample_type} sound that is heard: give more clips"
            )
    slope, offset = curve(frames)
    best = [float(frame.logits[0]) for frame in frames if not frame.silenced]
    grid = [
        Fit(constants(slope, offset, float(min_logit), margin), float(min_logit))
        for min_logit in np.quantile(best, np.linspace(0, 0.9, LEVELS))
        for margin in MARGINS
    ]
    found = [(objective(frames, chosen), chosen) for chosen in grid]
    good_enough = max(each for each, _ in found) - FLAT
    good = sorted({chosen.min_logit for each, chosen in found if each >= good_enough})
    min_logit = good[len(good) // 2]
    return max((pair for pair in found if pair[1].min_logit == min_logit), key=lambda pair: pair[0])[1]


def constants(slope: float, offset: float, min_logit: float, margin: float) -> Calibration:
    """The usual gates with this curve, and the threshold that stands for this evidence on it."""
    threshold = 1 / (1 + np.exp(-(slope * min_logit + offset)))
    return replace(
        Calibration(),
        slope=round(slope, 4),
        offset=round(offset, 4),
        threshold=round(float(threshold), 5),
        margin=margin,
    )


def fit_and_report(
    choosing: Sequence[Sample], reporting: Sequence[Sample]
) -> tuple[Calibration, dict[str, float]]:
    """Constants chosen on all frames, and what half of them report of those that the other half chooses.

    Raises:
        InputError: see :func:`fit`.
    """
    figures = report(reporting, fit(choosing))
    return fit([*choosing, *reporting]).constants, figures


def report(frames: Sequence[Sample], chosen: Fit) -> dict[str, float]:
    """What constants make of frames, best of those that they were not chosen with."""
    found: dict[str, float] = {"scenes": len(frames)}
    for sample_type in dict.fromkeys(frame.sample_type for frame in frames):
        share = [score_sample(frame, chosen) for frame in frames if frame.sample_type == sample_type]
        name = f"miou {sample_type}" if sample_type == "visible" else f"rightly nothing, {sample_type}"
        found[name] = round(float(np.mean(share)), 4)
    confidence = torch.tensor([frame.confidence for frame in frames], dtype=torch.float64)
    visible = torch.tensor([frame.sample_type == "visible" for frame in frames])
    with_sound = torch.tensor([frame.sample_type in ("visible", "off-screen") for frame in frames])
    found["auroc"] = round(auroc(confidence, visible), 4)
    found["auroc off-screen only"] = round(auroc(confidence[with_sound], visible[with_sound]), 4)
    likeliest = torch.tensor([float(frame.logits[0]) for frame in frames])
    found["auroc of the greatest probability"] = round(auroc(likeliest, visible), 4)
    best = [float(frame.overlap[0]) for frame in frames if frame.sample_type == "visible"]
    found["best mask covers it"] = round(float(np.mean(np.array(best) >= COVERS)), 4)
    return found
