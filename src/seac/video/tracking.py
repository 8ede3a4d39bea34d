"""Masks linked over time: ids that stay, similarities smoothed along a track, names that settle.

Frames are matched one to the next by the Hungarian method over overlap and likeness. A track that is not
seen for a while is remembered, so that a thing that was covered keeps its id.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

GRID = 48
"""Masks are compared on a grid of this many cells a side: overlap needs no pixels."""
OVERLAP, ALIKE = 0.7, 0.3
LEAST = 0.35
REMEMBERED = 3.0
LOOKS = 8
"""After so many looks at a thing its name is settled, and looking again is dear."""


@dataclass(frozen=True)
class Track:
    """A thing as it was last seen.

    Attributes:
        id: its number, from 0.
        cells: (GRID * GRID,) float32, share of each cell that its mask covers.
        place: (d,) float32, where it is among words.
        time: seconds, when it was last seen.
        similarity: its smoothed similarity, and when that was (None before the first).
        heard: seconds, time of ``similarity``.
        looks: by what was asked, what was said of each class at each look for its name, (..., K) each.
    """

    id: int
    cells: Tensor
    place: Tensor
    time: float
    similarity: float | None = None
    heard: float = 0.0
    looks: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict)


class Tracker:
    """Follows the masks of one video, frame after frame.

    Args:
        smoothing: time constant in seconds; 0 leaves similarities as they are.
        remembered: seconds that an unseen track is kept.
    """

    def __init__(self, smoothing: float = 0.5, remembered: float = REMEMBERED) -> None:
        self.smoothing = smoothing
        self.remembered = remembered
        self._tracks: dict[int, Track] = {}
        self._next = 0

    def follow(self, masks: Tensor, places: Tensor, time: float) -> Tensor:
        """Ids of a frame's masks: (N,) int64, each once.

        Args:
            masks: (N, H, W) bool.
            places: (N, d) float32 of unit length.
            time: seconds, never before the last frame's.
        """
        self._tracks = {k: t for k, t in self._tracks.items() if time - t.time <= self.remembered}
        cells = functional.adaptive_avg_pool2d(masks[:, None].float(), GRID).flatten(1)
        ids = torch.full((len(masks),), -1, dtype=torch.int64)
        for row, known in self._matches(cells, places):
            ids[row] = known
        for row in range(len(masks)):
            if ids[row] < 0:
                ids[row] = self._next
                self._next += 1
            number = int(ids[row])
            old = self._tracks.get(number)
            seen = Track(number, cells[row], places[row], time)
            self._tracks[number] = (
                seen if old is None else replace(old, cells=seen.cells, place=seen.place, time=time)
            )
        return ids

    def smooth(self, ids: Tensor, similarity: Tensor, time: float, *, silent: bool = False) -> Tensor:
        """Similarities (N,) blended with what the tracks had before; silence forgets."""
        if self.smoothing <= 0:
            return similarity
        smoothed = similarity.clone()
        for row, number in enumerate(ids.tolist()):
            track = self._tracks[number]
            if track.similarity is not None:
                kept = math.exp(-max(0.0, time - track.heard) / self.smoothing)
                smoothed[row] = kept * track.similarity + (1 - kept) * similarity[row]
            value = None if silent else float(smoothed[row])
            self._tracks[number] = replace(track, similarity=value, heard=time)
        return smoothed

    def settled(self, ids: Tensor, what: str, look: Callable[[Tensor], Tensor]) -> Tensor:
        """What is said of K classes for tracks ``ids`` (n,), by their first ``LOOKS`` looks: (n, ..., K).

        A thing keeps what it is from frame to frame, and one look errs: their mean names it.

        Args:
            ids: tracks of the frame that was followed last.
            what: is asked; answers to different questions are kept apart.
            look: from rows of ``ids``, (m,) int64, to what is said of each class for them now, (m, ..., K).
        """
        tracks = [self._tracks[number] for number in ids.tolist()]
        said = [track.looks.get(what, ()) for track in tracks]
        new = [row for row, before in enumerate(said) if len(before) < LOOKS]
        if new:
            for row, now in zip(new, look(torch.tensor(new)), strict=True):
                said[row] = (*said[row], now)
                track = tracks[row]
                self._tracks[track.id] = replace(track, looks={**track.looks, what: said[row]})
        return torch.stack([torch.stack(each).mean(0) for each in said])

    def _matches(self, cells: Tensor, places: Tensor) -> list[tuple[int, int]]:
        """Pairs of (row of the frame, id of the track) that are the same thing."""
        if not self._tracks or len(cells) == 0:
            return []
        from scipy.optimize import linear_sum_assignment  # here: a first frame need not wait for it

        tracks = list(self._tracks.values())
        old = torch.stack([track.cells for track in tracks])
        both, apart = cells.sum(1)[:, None] + old.sum(1), torch.cdist(cells, old, p=1)
        joint, union = (both - apart) / 2, ((both + apart) / 2).clamp_min(1e-6)  # sums of minima, of maxima
        alike = (places @ torch.stack([track.place for track in tracks]).T).clamp(0, 1)
        match = (OVERLAP * joint / union + ALIKE * alike).numpy()
        match = np.where((joint / union).numpy() > 0.05, match, 0)
        rows, columns = linear_sum_assignment(match, maximize=True)
        return [(int(r), tracks[c].id) for r, c in zip(rows, columns, strict=True) if match[r, c] >= LEAST]
