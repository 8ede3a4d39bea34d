"""The decision: probability and sounding masks from similarity and objectness."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.core.types import Decision
from seac.decision.calibration import Calibration


def mask_logits(similarity: Tensor, objectness: Tensor, weight: float) -> Tensor:
    """Similarity (N,) plus weighted objectness (N,): (N,); a weight of 0 is the paper."""
    return similarity + weight * objectness


def decide(
    similarity: Tensor,
    objectness: Tensor,
    calibration: Calibration,
    *,
    objectness_weight: float,
    temperature: float,
    inactive: bool,
) -> Decision:
    """Probability, decision and heatmap score of every mask of a frame.

    Args:
        similarity: (N,) float32 of each mask with the audio.
        objectness: (N,) float32 in [0, 1].
        calibration: logistic curve and threshold.
        objectness_weight: weight of objectness in the logit; 0 is the paper.
        temperature: temperature of :func:`softmax_scores`; 0 is the paper.
        inactive: whether the audio is silent or noise; then no mask sounds.
    """
    logits = mask_logits(similarity, objectness, objectness_weight)
    probability = calibration.probability(logits) * (not inactive)
    return Decision(
        probability, sounding(logits, calibration, inactive=inactive), softmax_scores(logits, temperature)
    )


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
