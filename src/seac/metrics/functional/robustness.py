"""Robustness: false positives where nothing sounds, and AUROC of the confidence."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.metrics.functional import validate


def robustness(heatmaps: Tensor, confidence: Tensor, sounding: Tensor, threshold: float) -> dict[str, float]:
    """False-positive rates on frames where nothing sounds, and AUROC of the confidence.

    Args:
        heatmaps: (N, H, W) floating point in [0, 1].
        confidence: (N,) floating point, finite.
        sounding: (N,) bool, whether something visible sounds.
        threshold: in [0, 1]; a pixel is active where the heatmap is at least this.

    Returns:
        ``fpr_pixels``: active share of the pixels of frames where nothing sounds; ``fpr_frames``: share of
        these frames with any active pixel; both NaN if something sounds in every frame. ``auroc``: the chance
        that a sounding frame has a higher confidence than another, ties counting half; NaN unless both occur.

    Raises:
        InputError: shapes, dtypes, NaN, values out of [0, 1], or lengths that differ.

    Example:
        >>> heatmaps = torch.zeros(3, 2, 2)
        >>> heatmaps[:2, 0] = 1
        >>> robustness(heatmaps, torch.tensor([0.9, 0.4, 0.4]), torch.tensor([True, False, False]), 0.5)
        {'fpr_pixels': 0.25, 'fpr_frames': 0.5, 'auroc': 1.0}
    """
    return rates(silent_sums(heatmaps, confidence, sounding, threshold), confidence, sounding)


def silent_sums(heatmaps: Tensor, confidence: Tensor, sounding: Tensor, threshold: float) -> Tensor:
    """Active pixels, pixels, frames with any active, frames, where nothing sounds: (4,) float64 on the CPU.

    Raises:
        InputError: as :func:`robustness`.
    """
    validate.frames("heatmaps", heatmaps, "N, H, W")
    validate.shares("heatmaps", heatmaps)
    validate.vector("confidence", confidence)
    validate.finite("confidence", confidence)
    validate.vector("sounding", sounding)
    validate.booleans("sounding", sounding)
    validate.same_length("heatmaps", heatmaps, "confidence", confidence)
    validate.same_length("heatmaps", heatmaps, "sounding", sounding)
    validate.level("threshold", threshold)
    sums = torch.zeros(4, dtype=torch.float64)
    for heatmap, is_sounding in zip(heatmaps, sounding.tolist(), strict=True):
        if not is_sounding:
            active = int((heatmap.float() >= threshold).sum())
            sums += torch.tensor([active, heatmap.numel(), active > 0, 1], dtype=torch.float64)
    return sums


def rates(sums: Tensor, confidence: Tensor, sounding: Tensor) -> dict[str, float]:
    """The metrics, from :func:`silent_sums` and the (N,) confidence and truth of all frames."""
    active, pixels, frames_active, frames = sums.tolist()
    nowhere = float("nan")
    return {
        "fpr_pixels": active / pixels if pixels else nowhere,
        "fpr_frames": frames_active / frames if frames else nowhere,
        "auroc": auroc(confidence, sounding),
    }


def auroc(confidence: Tensor, sounding: Tensor) -> float:
    """Area under the ROC curve of (N,) confidences against (N,) bool, ties at half; NaN unless both occur."""
    confidence, sounding = confidence.cpu(), sounding.cpu()
    positives = int(sounding.sum())
    negatives = len(sounding) - positives
    if not positives or not negatives:
        return float("nan")
    _, which, counts = torch.unique(confidence, return_inverse=True, return_counts=True)
    middle = counts.cumsum(0).double() - (counts - 1) / 2  # the mean rank, from 1, of tied values
    rank_sum = float(middle[which][sounding].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
