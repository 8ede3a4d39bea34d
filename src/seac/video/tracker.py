"""Tracker: stable ids of masks over time, smoothed similarities, averaged class scores.

The masks of a frame are matched to tracks by the Hungarian method over overlap and embedding similarity.
Certain matches are assigned before possible ones (after ByteTrack, Zhang et al., ECCV 2022). An unmatched
track is kept for a while, so that an object keeps its id after an occlusion.
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
"""Cells per side of the grid on which masks are compared, in place of pixels."""
MIN_PIXELS = 400
"""Minimum number of sampled pixels of a mask from which its coverage is estimated."""
OVERLAP_WEIGHT, EMBEDDING_WEIGHT = 0.7, 0.3
MIN_MATCH, CERTAIN_MATCH = 0.35, 0.75
MAX_AGE, MAX_AGE_FRAMES = 3.0, 1.5
"""An unmatched track is kept for the greater of so many seconds and so many frame intervals."""
MAX_CROPS = 4
"""Maximum number of high-resolution crops that are classified per track; each crop takes time."""
EPSILON = 1e-6


@dataclass(frozen=True)
class Track:
    """State of a track at its last match.

    Attributes:
        id: number of the track, from 0.
        grid: (GRID * GRID,) float32, share of each cell that the mask covers.
        text_embedding: (d,) float32, text-space embedding of the mask.
        time: seconds, time of the last match.
        similarity: smoothed similarity; None before the first.
        updated: seconds, time of ``similarity``.
        crop_scores: class scores of each high-resolution crop, (K,) each.
        class_scores: weighted sum of the class scores of all frames in which the mask sounded, (K,).
        weight: sum of the weights of ``class_scores``.
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
        tracker: tracker of the video.
        tracks: (N,) int64, the track of each mask.
        time: seconds.
    """

    tracker: Tracker
    tracks: Tensor
    time: float

    def ids(self, count: int) -> Tensor:
        """Track of each mask: (N,) int64."""
        return self.tracks

    def smooth(self, similarity: Tensor, *, inactive: bool) -> Tensor:
        """:meth:`Tracker.smooth` of the frame's masks; inactive audio resets it."""
        return self.tracker.smooth(self.tracks, similarity, self.time, silent=inactive)

    def aggregate_crops(self, rows: Tensor, score_crops: Callable[[Tensor], Tensor]) -> Tensor:
        """:meth:`Tracker.aggregate_crops` of masks ``rows`` (n,)."""
        return self.tracker.aggregate_crops(self.tracks[rows], score_crops)

    def average_scores(self, rows: Tensor, scores: Tensor, probability: Tensor) -> Tensor:
        """:meth:`Tracker.average_scores` of masks ``rows`` (n,), weighted by the odds of ``probability``."""
        probability = probability.clamp(EPSILON, 1 - EPSILON)
        return self.tracker.average_scores(self.tracks[rows], scores, probability / (1 - probability))


def to_grid(masks: Tensor) -> Tensor:
    """Share of each cell of a grid that masks (N, H, W) bool cover: (N, GRID * GRID) float32.

    In large images pixels are subsampled to about nine per cell. A mask with too few sampled pixels,
    because it is thin or small, is evaluated at full resolution.
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
    """Seconds that an unmatched track is kept at ``fps`` frames per second."""
    return max(MAX_AGE, MAX_AGE_FRAMES / fps) if fps > 0 else MAX_AGE


class Tracker:
    """Tracks the masks of one video, frame by frame.

    Args:
        smoothing: time constant in seconds; 0 disables smoothing.
        max_age: seconds that an unmatched track is kept.
    """

    def __init__(self, smoothing: float = 0.5, max_age: float = MAX_AGE) -> None:
        self.smoothing = smoothing
        self.max_age = max_age
        self._tracks: dict[int, Track] = {}
        self._next = 0

    def track(
        self, masks: Tensor, text_embeddings: Tensor, time: float, *, cut: bool = False
    ) -> TrackedFrame:
        """Tracks of the masks of the next frame; for the arguments see :meth:`follow`."""
        return TrackedFrame(self, self.follow(masks, text_embeddings, time, cut=cut), time)

    def follow(self, masks: Tensor, text_embeddings: Tensor, time: float, *, cut: bool = False) -> Tensor:
        """Track ids of the masks of a frame: (N,) int64, without duplicates.

        Args:
            masks: (N, H, W) bool.
            text_embeddings: (N, d) float32 of unit length.
            time: seconds, not before the previous frame.
            cut: whether a new shot begins between the previous frame and this one, which ends all tracks.
        """
        self._tracks = {k: t for k, t in self._tracks.items() if not cut and time - t.time <= self.max_age}
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
        """Similarities (N,) smoothed along the tracks; silence resets them."""
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
        """Mean class scores of tracks ``ids`` (n,) over their first ``MAX_CROPS`` crops: (n, K).

        The mean of several crops is more reliable than one crop; the maximum limits the time.

        Args:
            ids: track ids of the last frame.
            score_crops: from rows of ``ids``, (m,) int64, to class scores of their crops in this frame, (m,
                K).
        """
        tracks = [self._tracks[number] for number in ids.tolist()]
        new = [row for row, track in enumerate(tracks) if len(track.crop_scores) < MAX_CROPS]
        if new:
            for row, scored in zip(new, score_crops(torch.tensor(new)), strict=True):
                tracks[row] = replace(tracks[row], crop_scores=(*tracks[row].crop_scores, scored))
                self._tracks[tracks[row].id] = tracks[row]
        return torch.stack([torch.stack(track.crop_scores).mean(0) for track in tracks])

    def average_scores(self, ids: Tensor, scores: Tensor, weights: Tensor) -> Tensor:
        """Weighted mean of the class scores of tracks ``ids`` (n,) over all frames so far: (n, K).

        The mean keeps the class of a track stable over frames. Frames with a high weight dominate, so the
        class can still change.

        Args:
            ids: track ids of the last frame.
            scores: (n, K) class scores in this frame.
            weights: (n,) weight of this frame, above 0.
        """
        found = []
        for number, now, weight in zip(ids.tolist(), scores, weights.tolist(), strict=True):
            track = self._tracks[number]
            class_scores = weight * now if track.class_scores is None else track.class_scores + weight * now
            self._tracks[number] = replace(track, class_scores=class_scores, weight=track.weight + weight)
            found.append(class_scores / self._tracks[number].weight)
        return torch.stack(found)

    def _matches(self, grid: Tensor, text_embeddings: Tensor) -> list[tuple[int, int]]:
        """Matched pairs of (row of the frame, id of the track)."""
        if not self._tracks or len(grid) == 0:
            return []
        from scipy.optimize import linear_sum_assignment  # imported here: the first frame does not need it

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
        # Certain matches first: the maximum total alone could give up a certain match to pair two fragments.
        rows, columns = linear_sum_assignment(match + (match >= CERTAIN_MATCH), maximize=True)
        return [
            (int(r), tracks[c].id) for r, c in zip(rows, columns, strict=True) if match[r, c] >= MIN_MATCH
        ]
