"""What a prediction asks of a tracker about the masks of one frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor


class FrameTracks(Protocol):
    """The N masks of one frame as a tracker knows them."""

    def ids(self, count: int) -> Tensor:
        """Track of each of ``count`` masks: (N,) int64."""
        ...

    def smooth(self, similarity: Tensor, *, inactive: bool) -> Tensor:
        """Similarities (N,) smoothed over time: (N,)."""
        ...

    def aggregate_crops(self, rows: Tensor, score_crops: Callable[[Tensor], Tensor]) -> Tensor:
        """Class scores of masks ``rows`` (n,) over the crops of their tracks: (n, K).

        Args:
            rows: (n,) int64.
            score_crops: class scores (m, K) of this frame's crops of positions (m,) in ``rows``.
        """
        ...

    def average_scores(self, rows: Tensor, scores: Tensor, probability: Tensor) -> Tensor:
        """Class scores (n, K) of masks ``rows`` averaged over time, weighted by ``probability`` (n,)."""
        ...


class Untracked:
    """A frame by itself: every mask is its own track, and nothing is smoothed."""

    def ids(self, count: int) -> Tensor:
        """0 to ``count`` - 1."""
        return torch.arange(count)

    def smooth(self, similarity: Tensor, *, inactive: bool) -> Tensor:
        """The similarities as they are."""
        return similarity

    def aggregate_crops(self, rows: Tensor, score_crops: Callable[[Tensor], Tensor]) -> Tensor:
        """The scores of this frame's crops."""
        return score_crops(torch.arange(len(rows)))

    def average_scores(self, rows: Tensor, scores: Tensor, probability: Tensor) -> Tensor:
        """The scores as they are."""
        return scores


UNTRACKED = Untracked()
