"""Suppression of masks that cover one another: only the likeliest of them remains.

Proposals contain an object, its parts and its surroundings, and all of them match its audio. Masks of
different objects hardly cover one another.
"""

from __future__ import annotations

import torch
from torch import Tensor

COVERED = 0.8
"""Share of the smaller of two masks inside the other from which only the likelier one remains."""
STRIDE = 2
"""Every how many pixels overlaps are counted."""


def covering_pairs(masks: Tensor, covered: float = COVERED) -> Tensor:
    """Return which pairs of masks (N, H, W) bool cover one another: (N, N) bool, False on the diagonal."""
    flat = masks[:, ::STRIDE, ::STRIDE].flatten(1).float()
    joint = flat @ flat.T
    area = joint.diagonal()
    smaller = torch.minimum(area[:, None], area[None])
    pairs = (joint >= covered * smaller) & (smaller > 0)
    return pairs & ~torch.eye(len(masks), dtype=torch.bool, device=masks.device)


def suppress(logits: Tensor, pairs: Tensor, low: float) -> Tensor:
    """Return logits (N,) with ``low`` for each mask that a likelier remaining mask covers or is covered by.

    Args:
        logits: (N,) float32.
        pairs: (N, N) bool of :func:`covering_pairs`.
        low: logit of a suppressed mask.
    """
    remains = torch.ones(len(logits), dtype=torch.bool)
    for row in torch.argsort(logits, descending=True, stable=True).tolist():
        if remains[row]:
            remains &= ~pairs[row]
    return torch.where(remains, logits, torch.minimum(logits, logits.new_tensor(low)))
