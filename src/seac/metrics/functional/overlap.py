"""IoU of masks with one truth."""

from __future__ import annotations

from torch import Tensor


def overlap(masks: Tensor, truth: Tensor) -> Tensor:
    """IoU of masks (N, h, w) bool with a truth (h, w) bool: (N,) float32; 0 where both are empty."""
    flat, wanted = masks.flatten(1), truth.flatten()
    both = (flat & wanted).sum(1).float()
    either = flat.sum(1) + wanted.sum() - both
    return both / either.clamp_min(1)
