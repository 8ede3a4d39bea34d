"""Fit the constants of the decision to frames whose sounding pixels are annotated.

The logistic curve is fitted to the event "the mask covers the sounding object", IoU at least .5 (Platt
scaling). The threshold and the margin are chosen by grid search. The objective is the mean IoU of the active
masks with the sounding pixels; a frame without sounding pixels scores 1 if no mask is active. Frames with an
off-screen source have a weight of 1/4, an assumption about the clips of users; ``--threshold`` overrides the
result. The objective is flat near its maximum, so the median of all thresholds within ``FLAT`` of the
maximum is taken. Frames with silence or noise are excluded, because the activity of the audio decides on
them.
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
"""Subtracted from the logits of frames with inactive audio, so that no mask is active."""
MARGINS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 2.0)
LEVELS = 31
"""Number of thresholds in the grid: quantiles from 0 to 0.9 of the maximum logit of the frames."""
FLAT = 0.01
"""Tolerance of the objective: grid points within this distance of the maximum are equivalent."""
NEWTON, RIDGE = 50, 1e-3
SampleType = Literal["visible", "off-screen", "noise", "silence"]


@dataclass(frozen=True)
class Sample:
    """Logits and overlaps of the masks of one annotated frame.

    Attributes:
        logits: (N,) logits of the masks (:meth:`seac.pipeline.SeAC.logits`), in descending order.
        overlap: (N,) IoU of each mask with the sounding pixels, in the same order.
        union_overlap: (N,) IoU of the union of the first 1, 2, ... N masks with the sounding pixels.
        confidence: maximum cosine of the frame.
        sample_type: "visible" or "off-screen" source, "noise" or "silence".
    """

    logits: Tensor
    overlap: Tensor
    union_overlap: Tensor
    confidence: float
    sample_type: SampleType

    @property
    def silenced(self) -> bool:
        """Whether the audio of the frame is inactive."""
        return float(self.logits[0]) <= -SILENCE_PENALTY / 2


@dataclass(frozen=True)
class Fit:
    """Fitted constants, and the logit that corresponds to their threshold."""

    constants: Calibration
    min_logit: float

    def count_active(self, frame: Sample) -> int:
        """Number of active masks."""
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
    """Build the sample of a frame for :func:`fit`.

    Args:
        masks: (N, H, W) bool, N at least 1.
        truth: (H, W) bool, the sounding pixels; all False unless ``sample_type`` is "visible".
        logits: (N,) logits of the masks.
        confidence: maximum cosine.
        sample_type: "visible" or "off-screen" source, "noise" or "silence".
        inactive: whether the audio is silent or noise.
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
    """IoU of the active masks with the sounding pixels; 1 if there are neither, 0 if one is missing."""
    count = chosen.count_active(frame)
    if frame.sample_type != "visible":
        return float(count == 0)
    return float(frame.union_overlap[count - 1]) if count else 0.0


def objective(frames: Sequence[Sample], chosen: Fit) -> float:
    """Weighted mean of :func:`score_sample`; off-screen frames have the weight ``ELSEWHERE``."""
    visible = [score_sample(frame, chosen) for frame in frames if frame.sample_type == "visible"]
    off_screen = [score_sample(frame, chosen) for frame in frames if frame.sample_type == "off-screen"]
    return float((1 - ELSEWHERE) * np.mean(visible) + ELSEWHERE * np.mean(off_screen))


def curve(frames: Sequence[Sample]) -> tuple[float, float]:
    """Slope and offset of the logistic curve, by Newton's method with ridge; inactive frames are excluded."""
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
    """Fit the constants to frames.

    Raises:
        InputError: there is no active frame with a visible source, or none with an off-screen source.
    """
    for sample_type in ("visible", "off-screen"):
        if not any(frame.sample_type == sample_type and not frame.silenced for frame in frames):
            raise InputError(
                f"of {len(frames)} frames none has active audio with a {sample_type} source: give more clips"
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
    """Calibration with this curve; the threshold is the probability at ``min_logit``."""
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
    """Constants fitted to all frames, and metrics of a fit to ``choosing`` on ``reporting`` frames.

    Raises:
        InputError: see :func:`fit`.
    """
    figures = report(reporting, fit(choosing))
    return fit([*choosing, *reporting]).constants, figures


def report(frames: Sequence[Sample], chosen: Fit) -> dict[str, float]:
    """Metrics of fitted constants; use frames that were not in the fit."""
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
