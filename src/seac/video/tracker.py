"""Tracker: stable ids of masks over time, smoothed similarities, averaged class scores.

The masks of a key frame are matched to tracks in two steps, both by the Hungarian method. First by the
overlap with where motion takes the last mask of a track, and by the similarity of embeddings; certain matches
are assigned before possible ones (after ByteTrack, Zhang et al., ECCV 2022). Then what is left is
re-identified by its embeddings: near the place that its velocity leads to while a track is hidden, at any
place after a cut. docs/tracking.md measures each of these, and has the command that chooses the settings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from seac.video.grid import GridMotion, centres, overlap, shift, to_grid

MAX_AGE, MAX_AGE_FRAMES = 3.0, 1.5
"""An unmatched track is kept for the greater of so many seconds and so many frame intervals."""
MAX_CROPS = 4
"""Maximum number of high-resolution crops that are classified per track; each crop takes time."""
EPSILON = 1e-6
MIN_OVERLAP = 0.05
"""Least overlap of a match of the first step."""
CERTAIN_OVERLAP = 0.5
"""Least overlap of a match that is assigned before all others."""
MEMORY = 30.0
"""Seconds that tracks of earlier shots are kept."""
NEVER = 2.0
"""A minimum score that no match reaches."""
STILL = torch.zeros(2)
"""No motion, x and y in cells."""


@dataclass(frozen=True)
class TrackerSettings:
    """How masks are matched to tracks.

    Attributes:
        overlap: weight of the overlap in the first step; the embeddings have the rest.
        min_match: minimum score of a match of the first step.
        certain: score from which a match with enough overlap is assigned before all others.
        velocity: whether a hidden track moves on with its velocity, in place of resting.
        reidentify: minimum score of a match of the second step; :data:`NEVER` for none.
        reach: distance in cells at which the place counts one half, for a track that was just seen; the score
            of the second step is the mean of the place and the similarity of embeddings.
        growth: cells per second by which ``reach`` grows while a track is hidden.
        return_cosine: minimum cosine of a match with a track of an earlier shot; :data:`NEVER` for none.
        update: share of a new embedding in that of its track.
    """

    overlap: float = 0.3
    min_match: float = 0.35
    certain: float = 0.75
    velocity: bool = True
    reidentify: float = 0.5
    reach: float = 6.0
    growth: float = 6.0
    return_cosine: float = 0.75
    update: float = 0.15


DEFAULT = TrackerSettings()


@dataclass(frozen=True)
class Track:
    """State of a track at its last match.

    Attributes:
        id: number of the track, from 0.
        grid: (GRID * GRID,) float32, share of each cell that the mask covers.
        embedding: (d,) float32 of unit length, mean over its masks.
        time: seconds, time of the last match.
        shot: number of the shot of the last match.
        count: number of matches.
        velocity: (2,) cells per second relative to the camera.
        offset: (2,) cells that the track is thought to have moved since its last match.
        similarity: smoothed similarity; None before the first.
        updated: seconds, time of ``similarity``.
        crop_scores: class scores of each high-resolution crop, (K,) each.
        class_scores: weighted sum of the class scores of all frames in which the mask sounded, (K,).
        weight: sum of the weights of ``class_scores``.
    """

    id: int
    grid: Tensor
    embedding: Tensor
    time: float
    shot: int = 0
    count: int = 1
    velocity: Tensor = STILL
    offset: Tensor = STILL
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


def max_track_age(fps: float) -> float:
    """Seconds that an unmatched track is kept at ``fps`` frames per second."""
    return max(MAX_AGE, MAX_AGE_FRAMES / fps) if fps > 0 else MAX_AGE


class Tracker:
    """Tracks the masks of one video, key frame by key frame.

    Args:
        smoothing: time constant in seconds; 0 disables smoothing.
        max_age: seconds that an unmatched track is kept.
        settings: how masks are matched.
    """

    def __init__(
        self, smoothing: float = 0.5, max_age: float = MAX_AGE, settings: TrackerSettings = DEFAULT
    ) -> None:
        self.smoothing, self.max_age, self.settings = smoothing, max_age, settings
        self._tracks: dict[int, Track] = {}
        self._next = 0
        self._shot = 0
        self._time: float | None = None

    def track(
        self,
        masks: Tensor,
        embeddings: Tensor,
        time: float,
        *,
        flow: Tensor | None = None,
        cut: bool = False,
    ) -> TrackedFrame:
        """Tracks of the masks of the next frame; for the arguments see :meth:`follow`."""
        return TrackedFrame(self, self.follow(masks, embeddings, time, flow=flow, cut=cut), time)

    def follow(
        self,
        masks: Tensor,
        embeddings: Tensor,
        time: float,
        *,
        flow: Tensor | None = None,
        cut: bool = False,
    ) -> Tensor:
        """Track ids of the masks of a frame: (N,) int64, without duplicates.

        Args:
            masks: (N, H, W) bool.
            embeddings: (N, d) of the masks; image embeddings tell objects apart better than text-space ones.
            time: seconds, not before the previous frame.
            flow: (h, w, 2) float32 from this frame to the previous one, as in :mod:`seac.video.flow`: pixel
                (x, y) was at (x, y) + flow, in pixels of (h, w); None if unknown.
            cut: whether a new shot begins between the previous frame and this one. Tracks end; their
                similarities and class scores are not carried over.
        """
        motion = None if flow is None or cut else GridMotion.from_flow(flow)
        return self.follow_grids(to_grid(masks), embeddings, time, motion=motion, cut=cut)

    def follow_grids(
        self, grid: Tensor, embeddings: Tensor, time: float, *, motion: GridMotion | None, cut: bool
    ) -> Tensor:
        """:meth:`follow` of masks on a grid, (N, GRID * GRID) of :func:`seac.video.grid.to_grid`."""
        embeddings = functional.normalize(embeddings.float().cpu(), dim=1)
        self._advance(time, motion, cut=cut)
        ids = torch.full((len(grid),), -1, dtype=torch.int64)
        for row, number in self._matches(grid, embeddings, time, motion):
            ids[row] = number
        moved = None if motion is None else motion.of(grid)
        camera = STILL if motion is None else motion.camera()
        for row in range(len(grid)):
            number = int(ids[row])
            if number < 0:
                number = self._next
                self._next += 1
                ids[row] = number
                self._tracks[number] = Track(number, grid[row], embeddings[row], time, self._shot)
                continue
            step = None if moved is None else moved[row] - camera
            self._tracks[number] = self._matched(self._tracks[number], grid[row], embeddings[row], time, step)
        self._time = time
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

    def _advance(self, time: float, motion: GridMotion | None, *, cut: bool) -> None:
        """Forget old tracks, and move the hidden ones on."""
        self._shot += cut
        kept = {}
        camera = STILL if motion is None else motion.camera()
        passed = 0.0 if self._time is None else time - self._time
        for number, track in self._tracks.items():
            if track.shot != self._shot:
                if time - track.time <= MEMORY and track.count > 1:
                    kept[number] = track
            elif time - track.time <= self.max_age:
                step = camera + self.settings.velocity * passed * track.velocity
                kept[number] = replace(track, offset=track.offset + step)
        self._tracks = kept

    def _matched(
        self, old: Track, grid: Tensor, embedding: Tensor, time: float, step: Tensor | None
    ) -> Track:
        """The track after a match; ``step`` (2,) is the motion of its mask relative to the camera."""
        share = self.settings.update
        mean = functional.normalize((1 - share) * old.embedding + share * embedding, dim=0)
        if old.shot != self._shot:
            return Track(old.id, grid, mean, time, self._shot, old.count + 1)
        passed = time - old.time
        if step is None:
            step = centres(grid[None])[0] - centres(old.grid[None])[0]
        elif self._time is not None:
            passed = time - self._time
        speed = step / passed if passed > 0 else old.velocity
        velocity = speed if old.count == 1 else (old.velocity + speed) / 2
        return replace(
            old, grid=grid, embedding=mean, time=time, count=old.count + 1, velocity=velocity,
            offset=STILL,
        )  # fmt: skip

    def _matches(
        self, grid: Tensor, embeddings: Tensor, time: float, motion: GridMotion | None
    ) -> list[tuple[int, int]]:
        """Matched pairs of (row of the frame, id of the track)."""
        if not self._tracks or len(grid) == 0:
            return []
        tracks = [track for track in self._tracks.values() if track.shot == self._shot]
        earlier = [track for track in self._tracks.values() if track.shot != self._shot]
        pairs = self._match_overlap(grid, embeddings, tracks, motion)
        pairs += self._match_place(grid, embeddings, tracks, time, pairs)
        return pairs + self._match_return(embeddings, earlier, pairs)

    def _match_overlap(
        self, grid: Tensor, embeddings: Tensor, tracks: list[Track], motion: GridMotion | None
    ) -> list[tuple[int, int]]:
        """Matches by overlap with the place to which motion takes the last mask."""
        if not tracks:
            return []
        settings = self.settings
        joint = overlap(grid, self._predicted(tracks, motion))
        cosine = _cosine(embeddings, tracks)
        match = settings.overlap * joint + (1 - settings.overlap) * cosine.clamp(0, 1)
        match = match * (joint > MIN_OVERLAP)
        # Certain matches first: the maximum total alone could give up a certain match to pair two fragments.
        certain = (match >= settings.certain) & (joint >= CERTAIN_OVERLAP)
        return [
            (row, tracks[column].id)
            for row, column in _assign(match + certain.float())
            if match[row, column] >= settings.min_match
        ]

    def _predicted(self, tracks: list[Track], motion: GridMotion | None) -> Tensor:
        """Where the masks of the tracks are now: (M, GRID * GRID).

        The flow moves the masks of the key frame before; hidden ones and those without flow move with their
        velocity.
        """
        grids = torch.stack([track.grid for track in tracks])
        moved = shift(grids, torch.stack([track.offset for track in tracks]))
        if motion is None:
            return moved
        seen = torch.tensor([track.time == self._time for track in tracks])
        return torch.where(seen[:, None], motion.warp(grids), moved)

    def _match_place(
        self,
        grid: Tensor,
        embeddings: Tensor,
        tracks: list[Track],
        time: float,
        pairs: list[tuple[int, int]],
    ) -> list[tuple[int, int]]:
        """Matches of what is left by embeddings and place."""
        settings = self.settings
        rows, tracks = _left(len(grid), tracks, pairs)
        if not rows or not tracks or settings.reidentify > 1:
            return []
        offsets = torch.stack([track.offset for track in tracks])
        before = centres(torch.stack([track.grid for track in tracks])) + offsets
        hidden = torch.tensor([time - track.time for track in tracks])
        reach = settings.reach + settings.growth * hidden
        distance = torch.cdist(centres(grid[rows]), before) / reach
        cosine = _cosine(embeddings[rows], tracks)
        score = (0.5**distance + cosine) / 2
        return [
            (rows[row], tracks[column].id)
            for row, column in _assign(score)
            if score[row, column] >= settings.reidentify
        ]

    def _match_return(
        self, embeddings: Tensor, earlier: list[Track], pairs: list[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Matches of what is left with tracks of earlier shots, by embeddings alone."""
        rows, earlier = _left(len(embeddings), earlier, pairs)
        if not rows or not earlier or self.settings.return_cosine > 1:
            return []
        cosine = _cosine(embeddings[rows], earlier)
        return [
            (rows[row], earlier[column].id)
            for row, column in _assign(cosine + (cosine >= self.settings.return_cosine).float())
            if cosine[row, column] >= self.settings.return_cosine
        ]


def _cosine(embeddings: Tensor, tracks: list[Track]) -> Tensor:
    return embeddings @ torch.stack([track.embedding for track in tracks]).T


def _left(count: int, tracks: list[Track], pairs: list[tuple[int, int]]) -> tuple[list[int], list[Track]]:
    """Rows and tracks without a match."""
    rows, ids = {row for row, _ in pairs}, {number for _, number in pairs}
    return [row for row in range(count) if row not in rows], [t for t in tracks if t.id not in ids]


def _assign(score: Tensor) -> list[tuple[int, int]]:
    """Pairs (row, column) of the assignment with the greatest total score."""
    from scipy.optimize import linear_sum_assignment  # imported here: the first frame does not need it

    return [
        (int(r), int(c)) for r, c in zip(*linear_sum_assignment(score.numpy(), maximize=True), strict=True)
    ]
