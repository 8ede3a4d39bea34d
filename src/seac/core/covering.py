"""Masks that cover one another: of a thing, its parts and its surroundings, only the likeliest is kept.

Proposals contain an object, its parts and its surroundings, and all of them match its audio. Masks of
different objects hardly cover one another.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

COVERED = 0.8
"""Share of the smaller of two masks inside the other from which only the likelier one remains."""
STRIDE = 2
"""Every how many pixels overlaps of all proposals of a frame are counted."""


def covering_pairs(masks: Tensor, covered: float = COVERED, stride: int = STRIDE) -> Tensor:
    """Return which pairs of masks (N, H, W) bool cover one another: (N, N) bool, False on the diagonal.

    Args:
        masks: (N, H, W) bool.
        covered: least share of the smaller mask inside the other.
        stride: overlaps are counted on every ``stride``-th pixel.
    """
    flat = masks[:, ::stride, ::stride].flatten(1).float()
    joint = (flat @ flat.T).double()
    area = joint.diagonal()
    smaller = torch.minimum(area[:, None], area[None])
    pairs = (joint >= covered * smaller) & (smaller > 0)
    return pairs & ~torch.eye(len(masks), dtype=torch.bool, device=masks.device)


def keep_likeliest(order: Iterable[int], pairs: Tensor) -> list[int]:
    """Return the rows of ``order``, likeliest first, without those that a kept row is in a pair with.

    Args:
        order: rows, likeliest first.
        pairs: (N, N) bool of :func:`covering_pairs`.
    """
    kept: list[int] = []
    for row in order:
        if not pairs[row, kept].any():
            kept.append(row)
    return kept


def representatives(order: Iterable[int], pairs: Tensor) -> dict[int, int]:
    """Return for each row of ``order`` the kept row that stands for it.

    Args:
        order: rows, best first.
        pairs: (N, N) bool of :func:`covering_pairs`.

    Returns:
        itself for each row that :func:`keep_likeliest` keeps; for another one the best kept row that it is in
        a pair with.
    """
    found: dict[int, int] = {}
    kept: list[int] = []
    for row in order:
        found[row] = next((other for other in kept if pairs[row, other]), row)
        if found[row] == row:
            kept.append(row)
    return found


def suppress(logits: Tensor, pairs: Tensor, low: float) -> Tensor:
    """Return logits with ``low`` for each mask that a likelier remaining mask covers or is covered by.

    Args:
        logits: (N,) or (S, N) float32; of S sets of logits, each is treated by itself.
        pairs: (N, N) bool of :func:`covering_pairs`.
        low: logit of a suppressed mask.

    Returns:
        a tensor of the shape of ``logits``.
    """
    rows = logits[None] if logits.ndim == 1 else logits
    covers = pairs.cpu().numpy()
    remains = np.zeros(rows.shape, np.bool_)
    each = np.arange(len(rows))
    for mask in torch.argsort(rows, dim=1, descending=True, stable=True).cpu().numpy().T:
        remains[each, mask] = ~(covers[mask] & remains).any(1)
    kept = torch.from_numpy(remains).to(logits.device).view(logits.shape)
    return torch.where(kept, logits, torch.minimum(logits, logits.new_tensor(low)))
