"""Eq. 4: aggregate one similarity per mask to a heatmap of the frame."""

from __future__ import annotations

import torch
from torch import Tensor

# Below this spread the similarities are equal up to float32 rounding, which min-max would amplify.
EQUAL = 1e-6


def minmax(similarity: Tensor) -> Tensor:
    """Similarities (N,) min-max scaled to [0, 1] over the masks of a frame: (N,) float32.

    A single mask, or equal similarities, give 1.
    """
    similarity = similarity.float()
    if len(similarity) == 0:
        return similarity
    if all_equal(similarity):
        return torch.ones_like(similarity)
    low, high = similarity.min(), similarity.max()
    return (similarity - low) / (high - low)


def all_equal(similarity: Tensor) -> bool:
    """Whether similarities (N,), N at least 1, are equal, so that min-max is not informative."""
    return bool(similarity.max() - similarity.min() < EQUAL)


def aggregate(similarity: Tensor, masks: Tensor) -> Tensor:
    """The heatmap of Eq. 4, ``max over n of minmax(s)_n * M_n``: (H, W) float32 in [0, 1]; no masks give 0.

    Args:
        similarity: (N,) cosine.
        masks: (N, H, W) bool.
    """
    return paint_masks(minmax(similarity), masks)


def paint_masks(values: Tensor, masks: Tensor) -> Tensor:
    """Per pixel the maximum value of the masks that cover it: (H, W) float32; 0 where no mask does.

    Args:
        values: (N,) float32, at least 0.
        masks: (N, H, W) bool.
    """
    heatmap = torch.zeros(masks.shape[1:], device=masks.device)
    # In ascending order the last value written to a pixel is the maximum: no (N, H, W) array of floats.
    values = values.to(masks.device)
    for index in values.argsort().tolist():
        heatmap.masked_fill_(masks[index], float(values[index]))
    return heatmap


def paint_boxes(similarity: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """Eq. 4 on boxes in place of masks, as in the VGG-SS protocol: (H, W) float32.

    Args:
        similarity: (N,) cosine.
        boxes: (N, 4) xyxy in pixels, x2 and y2 exclusive; rounded to whole pixels.
        height: H.
        width: W.
    """
    heatmap = torch.zeros(height, width)
    values = minmax(similarity)
    corners = boxes.round().long().clamp(min=0).tolist()
    for index in values.argsort().tolist():
        x1, y1, x2, y2 = corners[index]
        heatmap[y1:y2, x1:x2] = float(values[index])
    return heatmap
