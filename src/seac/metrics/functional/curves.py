"""Precision, recall and F of frames at 255 thresholds, from two histograms per frame in one pass.

The public scripts compare every frame with 255 thresholds. This implementation reads every pixel once: the
nearest threshold is computed arithmetically, then one comparison with that threshold selects the bin. The
counts equal those of the 255 comparisons, also for pixels equal to a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

THRESHOLDS = 255
BETA2 = 0.3
_FRAMES_AT_ONCE = 32  # for GPUs, where launch costs dominate; on the CPU one frame stays in cache


@dataclass(frozen=True)
class FrameCounts:
    """Pixels at or above each threshold.

    Attributes:
        predicted: (F, 255) int64, all pixels with value >= threshold.
        hit: (F, 255) int64, those of them inside the truth.
        true: (F,) int64, pixels of the truth.
    """

    predicted: Tensor
    hit: Tensor
    true: Tensor

    def precision(self) -> Tensor:
        """(F, 255) float64; 0 where nothing is predicted."""
        return self.hit / (self.predicted.double() + 1e-20)

    def recall(self) -> Tensor:
        """(F, 255) float64; 0 where there is no truth."""
        return self.hit / (self.true[:, None].double() + 1e-20)


def thresholds() -> Tensor:
    """(255,) float32 from 0 to 1 - 1e-10, which is 1 in float32, the value of a saturated sigmoid."""
    return torch.linspace(0, 1 - 1e-10, THRESHOLDS, dtype=torch.float32)


def count_pixels(values: Tensor, masks: Tensor) -> FrameCounts:
    """Count the pixels at or above each threshold.

    Args:
        values: (F, H, W) float32 or float64 in [0, 1].
        masks: (F, H, W) bool, on the same device.

    Returns:
        The counts, on the CPU.
    """
    step = 1 if values.device.type == "cpu" else _FRAMES_AT_ONCE
    cuts = thresholds().to(values)
    bins = [
        _histograms(values[at : at + step].flatten(1), masks[at : at + step].flatten(1), cuts)
        for at in range(0, len(values), step)
    ]
    # bin k holds the pixels that reach exactly k thresholds, so threshold t is reached by bins t + 1 and up
    negative_hits, inside = torch.cat(bins).flip(-1).cumsum(-1).flip(-1)[..., 1:].unbind(1)
    true = masks.flatten(1).sum(1).cpu()
    return FrameCounts(negative_hits + inside, inside, true)


def f_measure(precision: Tensor, recall: Tensor) -> Tensor:
    """F with beta^2 = .3, of any shape; 0 where both are 0 (the scripts' NaN)."""
    return torch.nan_to_num((1 + BETA2) * precision * recall / (BETA2 * precision + recall), nan=0.0)


def _histograms(values: Tensor, masks: Tensor, cuts: Tensor) -> Tensor:
    """Histogram of thresholds reached by pixels: (n, 2, 256) int64, outside and inside the truth."""
    last = len(cuts) - 1
    nearest = (values * last).add_(0.5).to(torch.int32)
    # Thresholds lie 1/254 apart: all before the nearest are reached and none after it, whatever was rounded.
    reached = nearest + (values >= cuts.index_select(0, nearest.flatten()).view_as(values))
    bins = last + 2
    key = torch.add(reached, masks, alpha=bins)
    if len(key) > 1:
        key += torch.arange(len(key), dtype=key.dtype, device=key.device)[:, None] * (2 * bins)
    counted = torch.bincount(key.flatten(), minlength=len(key) * 2 * bins)
    return counted.view(len(key), 2, bins).cpu()
