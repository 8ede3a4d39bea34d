"""Masks linked over time: ids that stay, similarities smoothed along a track, names that settle.

Frames are matched one to the next by the Hungarian method over overlap and likeness, what is surely the same
before what may be (after ByteTrack, Zhang et al., ECCV 2022). A track that is not seen for a while is
remembered, so that a thing that was covered keeps its id.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

GRID = 48
"""Masks are compared on a grid of this many cells a side: overlap needs no pixels."""
MIN_PIXELS = 400
"""Pixels that tell what a mask covers."""
OVERLAP_WEIGHT, EMBEDDING_WEIGHT = 0.7, 0.3
MIN_MATCH, CERTAIN_MATCH = 0.35, 0.75
MAX_AGE, MAX_AGE_FRAMES = 3.0, 1.5
"""A track is kept so many seconds unseen, or so many frames where those are further apart."""
MAX_CROPS = 4
"""After so many looks at a thing what it looks like is settled, and looking again is dear."""
EPSILON = 1e-6


@dataclass(frozen=True)
class Track:
    """A thing as it was last seen.

    Attributes:
        id: its number, from 0.
        grid: (GRID * GRID,) float32, share of each cell that its mask covers.
        text_embedding: (d,) float32, where it is among words.
        time: seconds, when it was last seen.
        similarity: its smoothed similarity, and when that was (None before the first).
        updated: seconds, time of ``similarity``.
        crop_scores: what was said of each class at each closer look, (K,) each.
        class_scores: sum of what was said of each class whenever it sounded, (K,), weighted.
        weight: of that sum.
    """

    id: int
    grid: Tensor
    text_embedding: Tensor
    time: float
    similarity: float | None = None
    updated: float = 0.0
    crop_scores: tuple[Tensor, ...] = ()
    class_scores: Tensor | None = None
    weight: float = 0.0


@dataclass(frozen=True)
class TrackedFrame:
    """The N masks of one frame in a tracker; a :class:`seac.core.tracks.FrameTracks`.

    Attributes:
        tracker: of the video.
        tracks: (N,) int64, the track of each mask.
        time: seconds.
    """

    tracker: Tracker
    tracks: Tensor
    time: float

    def ids(self, count: int) -> Tensor:
        """Track of each mask."""
        return self.tracks

    def smooth(self, similarity: Tensor, *, inactive: bool) -> Tensor:
        """:meth:`Tracker.smooth` of the frame's masks; inactive audio resets it."""
        return self.tracker.smooth(self.tracks, similarity, self.time, silent=inactive)

    def aggregate_crops(self, rows: Tensor, score_crops: Callable[[Tensor], Tensor]) -> Tensor:
        """:meth:`Tracker.aggregate_crops` of masks ``rows`` (n,)."""
        return self.tracker.aggregate_crops(self.tracks[rows], score_crops)

    def average_scores(self, rows: Tensor, scores: Tensor, probability: Tensor) -> Tensor:
        """:meth:`Tracker.average_scores` of masks ``rows`` (n,), weighted by the odds that they sound."""
        probability = probability.clamp(EPSILON, 1 - EPSILON)
        return self.tracker.average_scores(self.tracks[rows], scores, probability / (1 - probability))


def to_grid(masks: Tensor) -> Tensor:
    """Share of each cell of a grid that masks (N, H, W) bool cover: (N, GRID * GRID) float32.

    Of large pictures every so many pixels are counted: some nine for a cell tell enough of a mask, unless it
    is so thin or small that it may lie between them.
    """
    height, width = (max(1, side // (3 * GRID)) for side in masks.shape[-2:])
    counted = masks[:, ::height, ::width]
    grid = _pooled(counted)
    little = counted.flatten(1).sum(1) < MIN_PIXELS
    if height * width > 1 and little.any():
        grid[little] = _pooled(masks[little])
    return grid


def _pooled(masks: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(masks[:, None].float(), GRID).flatten(1)


def max_track_age(fps: float) -> float:
    """Seconds that an unseen track is kept at ``fps`` frames a second."""
    return max(MAX_AGE, MAX_AGE_FRAMES / fps) if fps > 0 else MAX_AGE


class Tracker:
    """Follows the masks of one video, frame after frame.

    Args:
        smoothing: time constant in seconds; 0 leaves similarities as they are.
        max_age: seconds that an unseen track is kept.
    """

    def __init__(self, smoothing: float = 0.5, max_age: float = MAX_AGE) -> None:
        self.smoothing = smoothing
        self.max_age = max_age
        self._tracks: dict[int, Track] = {}
        self._next = 0

    def track(self, masks: Tensor, text_embeddings: Tensor, time: float) -> TrackedFrame:
        """The masks of the next frame, with their tracks; arguments as of :meth:`follow`."""
        return TrackedFrame(self, self.follow(masks, text_embeddings, time), time)

    def follow(self, masks: Tensor, text_embeddings: Tensor, time: float) -> Tensor:
        """Ids of a frame's masks: (N,) int64, each once.

        Args:
            masks: (N, H, W) bool.
            text_embeddings: (N, d) float32 of unit length.
            time: seconds, never before the last frame's.
        """
        self._tracks = {k: t for k, t in self._tracks.items() if time - t.time <= self.max_age}
        grid = to_grid(masks)
        ids = torch.full((len(masks),), -1, dtype=torch.int64)
        for row, known in self._matches(grid, text_embeddings):
            ids[row] = known
        for row in range(len(masks)):
            if ids[row] < 0:
                ids[row] = self._next
                self._next += 1
            number = int(ids[row])
            old = self._tracks.get(number)
            current = Track(number, grid[row], text_embeddings[row], time)
            self._tracks[number] = (
                current
                if old is None
                else replace(old, grid=current.grid, text_embedding=current.text_embedding, time=time)
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
                kept = math.exp(-max(0.0, time - track.updated) / self.smoothing)
                smoothed[row] = kept * track.similarity + (1 - kept) * similarity[row]
            value = None if silent else float(smoothed[row])
            self._tracks[number] = replace(track, similarity=value, updated=time)
        return smoothed

    def aggregate_crops(self, ids: Tensor, score_crops: Callable[[Tensor], Tensor]) -> Tensor:
        """What looks say of K classes for tracks ``ids`` (n,), by their first ``MAX_CROPS`` looks: (n, K).

        One look errs, and looking is dear: the mean of some is what a thing looks like.

        Args:
            ids: tracks of the frame that was followed last.
            score_crops: from rows of ``ids``, (m,) int64, to what is said of each class for them now, (m, K).
        """
        tracks = [self._tracks[number] for number in ids.tolist()]
        new = [row for row, track in enumerate(tracks) if len(track.crop_scores) < MAX_CROPS]
        if new:
            for row, scored in zip(new, score_crops(torch.tensor(new)), strict=True):
                tracks[row] = replace(tracks[row], crop_scores=(*tracks[row].crop_scores, scored))
                self._tracks[tracks[row].id] = tracks[row]
        return torch.stack([torch.stack(track.crop_scores).mean(0) for track in tracks])

    def average_scores(self, ids: Tensor, scores: Tensor, weights: Tensor) -> Tensor:
        """Scores of K classes for tracks ``ids`` (n,), averaged over all that were given so far: (n, K).

        A thing keeps its name from frame to frame, but not for ever: it is called what it is called when it
        is likeliest to sound.

        Args:
            ids: tracks of the frame that was followed last.
            scores: (n, K) now.
            weights: (n,) how much these count, above 0.
        """
        found = []
        for number, now, weight in zip(ids.tolist(), scores, weights.tolist(), strict=True):
            track = self._tracks[number]
            class_scores = weight * now if track.class_scores is None else track.class_scores + weight * now
            self._tracks[number] = replace(track, class_scores=class_scores, weight=track.weight + weight)
            found.append(class_scores / self._tracks[number].weight)
        return torch.stack(found)

    def _matches(self, grid: Tensor, text_embeddings: Tensor) -> list[tuple[int, int]]:
        """Pairs of (row of the frame, id of the track) that are the same thing."""
        if not self._tracks or len(grid) == 0:
            return []
        from scipy.optimize import linear_sum_assignment  # here: a first frame need not wait for it

        tracks = list(self._tracks.values())
        old = torch.stack([track.grid for track in tracks])
        both, distance = grid.sum(1)[:, None] + old.sum(1), torch.cdist(grid, old, p=1)
        joint, union = (
            (both - distance) / 2,
            ((both + distance) / 2).clamp_min(1e-6),
        )  # sums of minima, of maxima
        cosine = (text_embeddings @ torch.stack([track.text_embedding for track in tracks]).T).clamp(0, 1)
        match = (OVERLAP_WEIGHT * joint / union + EMBEDDING_WEIGHT * cosine).numpy()
        match = np.where((joint / union).numpy() > 0.05, match, 0)
        # The sure ones first: the greatest sum alone would part a thing from itself to pair two fragments.
        rows, columns = linear_sum_assignment(match + (match >= CERTAIN_MATCH), maximize=True)
        return [
            (int(r), tracks[c].id) for r, c in zip(rows, columns, strict=True) if match[r, c] >= MIN_MATCH
        ]
