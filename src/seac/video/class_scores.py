"""Class scores of all masks of a frame, for the names of tracks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seac.core.tracks import FrameTracks

WIDTH = 0.05
"""Difference of cosines at which an inactive mask gets 1/e of the score of a class."""


class RecordedTracks:
    """Tracks that keep the class scores of the masks that a prediction classified.

    Args:
        tracks: the tracks of a frame.
    """

    def __init__(self, tracks: FrameTracks) -> None:
        self._tracks = tracks
        self._rows: Tensor | None = None
        self._scores: Tensor | None = None

    def ids(self, count: int) -> Tensor:
        """Those of the tracks."""
        return self._tracks.ids(count)

    def smooth(self, similarity: Tensor, *, inactive: bool) -> Tensor:
        """That of the tracks."""
        return self._tracks.smooth(similarity, inactive=inactive)

    def aggregate_crops(self, rows: Tensor, score_crops: Callable[[Tensor], Tensor]) -> Tensor:
        """That of the tracks."""
        return self._tracks.aggregate_crops(rows, score_crops)

    def average_scores(self, rows: Tensor, scores: Tensor, probability: Tensor) -> Tensor:
        """That of the tracks, which is kept."""
        self._rows, self._scores = rows, self._tracks.average_scores(rows, scores, probability)
        return self._scores

    def class_scores(self, text_embeddings: Tensor, classes: Tensor) -> Tensor:
        """Share of each class for every mask: (N, K) float32, rows of sum 1.

        Active masks have the scores of the classifier, the others their cosines in text space.

        Args:
            text_embeddings: (N, d) of the masks, of unit length.
            classes: (K, d) of the class names, of unit length.
        """
        shares = torch.softmax(text_embeddings.cpu() @ classes.cpu().T / WIDTH, 1)
        if self._rows is not None and self._scores is not None:
            shares[self._rows] = torch.softmax(self._scores.float().cpu(), 1)
        return shares
