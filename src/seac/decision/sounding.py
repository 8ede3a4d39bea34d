"""The decision: probability and sounding masks from similarity and objectness."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.core.types import Decision
from seac.decision.calibration import Calibration


def decide(
    logits: Tensor, calibration: Calibration, temperature: float, *, absolute: bool, inactive: bool
) -> Decision:
    """Probability, decision and heatmap score of every mask of a frame.

    Args:
        logits: (N,) float32 of the sounding head.
        calibration: logistic curve and threshold.
        temperature: temperature of :func:`softmax_scores`; 0 is the paper.
        absolute: whether the scores are the probabilities, see :class:`~seac.decision.base.SoundingHead`.
        inactive: whether the audio is silent or noise; then no mask sounds.
    """
    probability = calibration.probability(logits) * (not inactive)
    scores = probability if absolute else softmax_scores(logits, temperature)
    return Decision(probability, sounding(logits, calibration, inactive=inactive), scores, absolute)


def sounding(logits: Tensor, calibration: Calibration, *, inactive: bool) -> Tensor:
    """Whether each mask sounds: (N,) bool; no mask sounds if the audio is inactive.

    Args:
        logits: (N,) float32.
        calibration: logistic curve, threshold and margin.
        inactive: whether the audio is silent or noise.
    """
    if inactive or len(logits) == 0:
        return torch.zeros(len(logits), dtype=torch.bool)
    near = logits >= logits.max() - calibration.margin
    return (near & (calibration.probability(logits) >= calibration.threshold)).cpu()


def softmax_scores(logits: Tensor, temperature: float) -> Tensor:
    """Softmax over masks relative to its maximum, ``exp((l - max l) / temperature)``: (N,) in [0, 1].

    Args:
        logits: (N,) float32.
        temperature: softmax temperature; 0 returns the logits, as in Eq. 4 of the paper.
    """
    if temperature <= 0 or len(logits) == 0:
        return logits
    return torch.exp((logits.float() - logits.max()) / temperature)
