"""Tracks from key frames: times, mean embedding and mean class scores of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seac.results.values import KeyFrame, StoredTrack

BASE_WEIGHT = 1e-3
"""Weight of a mask in the means of its track, added to its probability: a track may never sound."""
TINY = 1e-12


@dataclass
class _Sums:
    """Sums over the masks of a track."""

    start: float
    stop: float
    embedding: NDArray[np.float32]
    class_scores: NDArray[np.float32]
    weight: float


class TrackCollector:
    """Collects the tracks of a video; its memory grows with their number only."""

    def __init__(self) -> None:
        self._sums: dict[int, _Sums] = {}
        self._last: tuple[int, ...] = ()

    def add(
        self, frame: KeyFrame, embeddings: NDArray[np.float32], class_scores: NDArray[np.float32]
    ) -> None:
        """Add the next key frame.

        Args:
            frame: with N masks.
            embeddings: (N, d) text-space embeddings of its masks.
            class_scores: (N, C) scores of each name.
        """
        self._end(frame.time)
        for row, track in enumerate(frame.tracks.tolist()):
            weight = float(frame.probability[row]) + BASE_WEIGHT
            sums = self._sums.get(track)
            if sums is None:
                empty = np.zeros_like(embeddings[row]), np.zeros_like(class_scores[row])
                sums = self._sums[track] = _Sums(frame.time, frame.time, *empty, 0.0)
            sums.embedding += weight * embeddings[row]
            sums.class_scores += weight * class_scores[row]
            sums.weight += weight
        self._last = tuple(frame.tracks.tolist())

    def finish(self, end: float) -> Iterator[StoredTrack]:
        """The tracks in order of their numbers.

        Args:
            end: seconds until which the last key frame is shown.
        """
        self._end(end)
        for number, sums in sorted(self._sums.items()):
            length = max(float(np.linalg.norm(sums.embedding)), TINY)
            yield StoredTrack(
                number, sums.start, sums.stop, sums.embedding / length, sums.class_scores / sums.weight
            )

    def _end(self, time: float) -> None:
        """The masks of the last key frame are shown until ``time``."""
        for track in self._last:
            self._sums[track].stop = max(self._sums[track].stop, time)
