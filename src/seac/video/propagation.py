"""Masks of every frame, carried by motion from the key frames before and after it.

Masks are carried as distances to their outline (:func:`seac.video.flow.signed_distance`), so that the two
neighbours can be joined: the outline moves from that of one to that of the other. Every mask is warped once,
by a motion that is composed from frame to frame, and not again and again. No mask is carried over a cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seac.results.rle import decode_rle
from seac.video.flow import (
    DEFAULT_FLOW,
    DenseFlow,
    FlowSettings,
    Gray,
    Motion,
    follow,
    invert,
    mismatch,
    preference,
    residual,
    resize,
    signed_distance,
    targets,
    warp,
)

LIMIT = 1.0
"""Seconds that a mask is carried towards a neighbour in which its track has no mask."""
MIN_CUT, CUT_RATIO, USUAL = 0.4, 3.0, 0.1
"""Two frames belong to two shots if their residual is at least the first, and so many times the mean of the
frames before, of which each counts at least the third: where a camera shakes, residuals are large."""
HISTORY = 8
"""Number of residuals to which a new one is compared."""
MAX_MISMATCH = 25.0
"""Mean mismatch in grey values inside a mask from one side, above which it is not shown."""
MAX_BYTES = 256_000_000
"""Maximum size of the frames that wait for the next key frame; more distant frames have masks of the key
frame before them only."""
REACH = 1 / 16
"""Distances to the outline are told apart up to this share of the long side."""

Errors: TypeAlias = Callable[[], NDArray[np.float32] | None]


@dataclass(frozen=True)
class SizedFrame:
    """A frame at the size of masks.

    Attributes:
        index: number of the frame in the source from 0.
        time: seconds of its presentation.
        duration: seconds until the next frame.
        image: (H, W, 3) uint8 RGB, upright.
    """

    index: int
    time: float
    duration: float
    image: NDArray[np.uint8]


class Schedule(Protocol):
    """Which tracks are shown when."""

    def at(self, time: float) -> list[int]:
        """Tracks that are shown at a time."""
        ...

    def during(self, start: float, stop: float) -> set[int]:
        """Tracks that are shown at some time from ``start`` to ``stop``."""
        ...


@dataclass(frozen=True)
class KeyMasks:
    """The masks of a key frame.

    Attributes:
        index: number of the frame in the source.
        time: seconds.
        cut: whether a new shot begins between the key frame before and this one.
        codes: run-length code of the mask of each track.
        covered: tracks that are not shown, because another mask covers theirs.
    """

    index: int
    time: float
    cut: bool
    codes: Mapping[int, bytes]
    covered: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Layer:
    """The mask of a track to be carried.

    Attributes:
        distance: (H, W) uint8, distance to its outline.
        seen: seconds of the key frame in which the networks found it.
    """

    distance: NDArray[np.uint8]
    seen: float


@dataclass
class Entry:
    """A frame that waits for the next key frame.

    Attributes:
        frame: the frame.
        gray: (h, w) luma at the resolution of the flow.
        flow: motion into the frame before.
        change: residual of the frame before.
        cut: whether a new shot begins with it.
        forward: motion to the key frame before; None after a cut.
        backward: motion to the key frame after; None before a cut.
    """

    frame: SizedFrame
    gray: Gray
    flow: Motion | None = None
    change: float = 0.0
    cut: bool = False
    forward: Motion | None = None
    backward: Motion | None = None


@dataclass
class Gap:
    """The frames from a key frame, inclusive, to the next, exclusive.

    Attributes:
        before: its layers at the beginning of the gap; masks that the key frame lacks were carried to it.
        start: seconds of its beginning.
        covered: tracks that are not shown near its beginning.
        after: the next key frame, if there is one.
        active: whether a mask is shown in it.
        is_first: whether there is no key frame at its beginning.
        gray: luma of the key frame at its beginning.
        last: the newest frame.
        end: the next key frame, once it was read.
        waiting: frames without masks so far.
        has_cut: whether a cut was found.
    """

    before: dict[int, Layer]
    start: float
    covered: frozenset[int]
    after: KeyMasks | None
    active: bool
    is_first: bool = False
    gray: Gray | None = None
    last: Entry | None = None
    end: Entry | None = None
    waiting: deque[Entry] = field(default_factory=deque)
    has_cut: bool = False

    @property
    def before_tracks(self) -> Collection[int] | None:
        """Tracks with a mask at the beginning; None if that says nothing about the end."""
        return None if self.is_first or self.has_cut else self.before.keys()

    @property
    def after_tracks(self) -> Collection[int] | None:
        """Tracks with a mask at the end; None if that says nothing about the beginning."""
        return None if self.after is None or self.has_cut else self.after.codes.keys()


class Propagation:
    """Carries the masks of the shown tracks through one video.

    Args:
        size: (height, width) of masks and frames.
        schedule: which tracks are shown when.
        flow: cost and quality of the optical flow.
        max_bytes: maximum size of the waiting frames.
    """

    def __init__(
        self,
        size: tuple[int, int],
        schedule: Schedule,
        flow: FlowSettings = DEFAULT_FLOW,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.size, self.schedule = size, schedule
        self.max_waiting = max(2, max_bytes // (size[0] * size[1] * 3))
        self._flow = DenseFlow(size, flow)
        self._changes: deque[float] = deque(maxlen=HISTORY)
        self._reach = max(4, round(max(size) * REACH))

    def run(
        self, frames: Iterable[SizedFrame], key_frames: Iterable[KeyMasks]
    ) -> Iterator[tuple[SizedFrame, dict[int, NDArray[np.bool_]]]]:
        """Every frame with the masks of the tracks that are shown in it, (H, W) bool each.

        At most the frames between two key frames are held, and at most ``max_waiting`` of them.

        Args:
            frames: all frames in order.
            key_frames: in order.
        """
        keys = iter(key_frames)
        gap = self._begin(None, None, next(keys, None))
        for frame in frames:
            if gap.after is not None and frame.index >= gap.after.index:
                here, entry = gap.after, self._enter(gap, frame) if gap.active else None
                yield from self._finish(gap, entry)
                following = next(keys, None)
                while following is not None and following.index <= frame.index:
                    here, following = following, next(keys, None)
                gap = self._begin(here, self._carried(gap, entry, here), following)
                if gap.active:
                    first = Entry(frame, entry.gray if entry else self._flow.to_gray(frame.image))
                    first.forward = np.zeros((*self._flow.size, 2), np.float32)
                    gap.last, gap.gray = first, first.gray
                    gap.waiting.append(first)
                    continue
            elif gap.active:
                gap.last = self._enter(gap, frame)
                gap.waiting.append(gap.last)
                while len(gap.waiting) > self.max_waiting:
                    yield self._show(gap, gap.waiting.popleft(), 0.0)
                continue
            yield frame, {}
        yield from self._finish(gap, None)

    def _begin(self, here: KeyMasks | None, carried: dict[int, Layer] | None, after: KeyMasks | None) -> Gap:
        start = here.time if here is not None else 0.0
        shown = self.schedule.during(start, after.time if after is not None else np.inf)
        before = dict(carried or {})
        if here is not None:
            before.update(self._layers(here, shown))
        active = bool(shown & (before.keys() | (after.codes.keys() if after is not None else set())))
        covered = here.covered if here is not None else frozenset()
        return Gap(before, start, covered, after, active, is_first=here is None)

    def _layers(self, key: KeyMasks, tracks: Iterable[int]) -> dict[int, Layer]:
        """Layers of those of ``tracks`` that have a mask in a key frame."""
        present = [track for track in tracks if track in key.codes]
        masks = decode_rle([key.codes[track] for track in present], self.size)
        return {
            track: Layer(signed_distance(mask, self._reach), key.time)
            for track, mask in zip(present, masks, strict=True)
        }

    def _enter(self, gap: Gap, frame: SizedFrame) -> Entry:
        """The next frame of a gap, with its motion to the key frame before."""
        entry = Entry(frame, self._flow.to_gray(frame.image))
        last = gap.last
        if last is None:
            return entry
        flow = self._flow.flow(entry.gray, last.gray)
        entry.flow = flow
        entry.change = residual(entry.gray, last.gray, flow)
        entry.cut = self._is_cut(entry.change)
        gap.has_cut = gap.has_cut or entry.cut
        if last.forward is not None and not entry.cut:
            entry.forward = follow(flow, last.forward)
        return entry

    def _is_cut(self, change: float) -> bool:
        """Whether a residual is that of a cut; one that is not is remembered."""
        usual = sum(self._changes) / len(self._changes) if self._changes else USUAL
        if change >= max(MIN_CUT, CUT_RATIO * max(usual, USUAL)):
            return True
        self._changes.append(change)
        return False

    def _finish(
        self, gap: Gap, end: Entry | None
    ) -> Iterator[tuple[SizedFrame, dict[int, NDArray[np.bool_]]]]:
        """All waiting frames of a gap; ``end`` is the next key frame."""
        waiting = list(gap.waiting)
        if end is not None and gap.after is not None:
            self._place_cut(gap, [*waiting, end])
            self._trace_back(waiting, end)
            gap.end = end
        begin = waiting[0].frame.time if waiting else 0.0
        length = (gap.after.time if gap.after is not None else np.inf) - begin
        after: dict[int, Layer] = {}
        if gap.after is not None and any(entry.backward is not None for entry in waiting):
            after = self._layers(gap.after, self.schedule.during(gap.start, gap.after.time))
        while gap.waiting:
            entry = gap.waiting.popleft()
            yield self._show(gap, entry, (entry.frame.time - begin) / max(length, 1e-6), after)

    def _place_cut(self, gap: Gap, entries: list[Entry]) -> None:
        """Put a cut that the key frame reports where the change is greatest, unless one was found."""
        if gap.after is None or not gap.after.cut or gap.has_cut or len(entries) < 2:
            return
        at = max(range(1, len(entries)), key=lambda number: entries[number].change)
        entries[at].cut = gap.has_cut = True
        for entry in entries[at:]:
            entry.forward = None

    def _trace_back(self, waiting: list[Entry], end: Entry) -> None:
        """Add the motions to the next key frame, up to the last cut before it."""
        onward, following = np.zeros((*self._flow.size, 2), np.float32), end
        for entry in reversed(waiting):
            if following.cut or following.flow is None:
                return
            onward = follow(invert(following.flow), onward)
            entry.backward, following = onward, entry

    def _carried(self, gap: Gap, entry: Entry | None, here: KeyMasks) -> dict[int, Layer]:
        """Layers of tracks that are shown but have no mask in a key frame, carried to it."""
        if entry is None or entry.forward is None or here.cut:
            return {}
        shown = self.schedule.at(here.time)
        kept = {
            track: layer
            for track, layer in gap.before.items()
            if track in shown and track not in here.codes and here.time - layer.seen <= LIMIT
        }
        return {
            track: Layer(distance, kept[track].seen)
            for track, distance in self._moved(kept, entry.forward).items()
        }

    def _show(
        self, gap: Gap, entry: Entry, share: float, after: Mapping[int, Layer] | None = None
    ) -> tuple[SizedFrame, dict[int, NDArray[np.bool_]]]:
        """The masks of a frame; ``share`` is the weight of the next key frame by time, in [0, 1]."""
        time = entry.frame.time
        covered = gap.covered
        if gap.after is not None and gap.after.time - time < time - gap.start:
            covered = gap.after.covered
        shown = [track for track in self.schedule.at(time) if track not in covered]
        first = self._moved(self._near(gap.before, shown, gap.after_tracks, time), entry.forward)
        second = self._moved(self._near(after or {}, shown, gap.before_tracks, time), entry.backward)
        both = first.keys() & second.keys()
        weight = self._preference(gap, entry, share) if both else None
        errors_before = self._errors(entry, gap.gray, entry.forward)
        errors_after = self._errors(entry, None if gap.end is None else gap.end.gray, entry.backward)
        masks: dict[int, NDArray[np.bool_]] = {}
        for track in shown:
            if track in both:
                assert weight is not None
                difference = second[track].astype(np.float32) - first[track]
                masks[track] = first[track] + weight * difference > 128
            elif track in first:
                self._add(masks, track, first[track], errors_before)
            elif track in second:
                self._add(masks, track, second[track], errors_after)
        return entry.frame, masks

    def _preference(self, gap: Gap, entry: Entry, share: float) -> NDArray[np.float32]:
        """Weight of the next key frame in every pixel: (H, W) float32 in [0, 1]."""
        assert entry.forward is not None
        assert entry.backward is not None
        assert gap.gray is not None
        assert gap.end is not None
        before = mismatch(entry.gray, gap.gray, entry.forward)
        after = mismatch(entry.gray, gap.end.gray, entry.backward)
        return resize(preference(share, before, after), self.size)

    def _errors(self, entry: Entry, origin: Gray | None, onward: Motion | None) -> Errors:
        """Mismatch of a frame with a key frame, computed once for all tracks, if any track needs it."""

        @cache
        def errors() -> NDArray[np.float32] | None:
            if onward is None or origin is None or not onward.any():
                return None
            return resize(mismatch(entry.gray, origin, onward), self.size)

        return errors

    def _add(
        self,
        masks: dict[int, NDArray[np.bool_]],
        track: int,
        distance: NDArray[np.uint8],
        errors: Errors,
    ) -> None:
        """Add a mask that comes from one key frame only, if the frame shows there what the key frame did."""
        mask = distance > 128
        if mask.any() and (found := errors()) is not None and float(found[mask].mean()) > MAX_MISMATCH:
            return
        masks[track] = mask

    def _near(
        self,
        layers: Mapping[int, Layer],
        shown: Iterable[int],
        other: Collection[int] | None,
        time: float,
    ) -> dict[int, Layer]:
        """Layers of the shown tracks, without those that are too far from the only key frame with them."""
        return {
            track: layers[track]
            for track in shown
            if track in layers
            and (other is None or track in other or abs(time - layers[track].seen) <= LIMIT)
        }

    def _moved(self, layers: Mapping[int, Layer], onward: Motion | None) -> dict[int, NDArray[np.uint8]]:
        """Distances (H, W) of the layers in another frame; none without a motion into it."""
        if onward is None or not layers:
            return {}
        distances = [layer.distance for layer in layers.values()]
        if onward.any():
            distances = warp(distances, targets(onward, self.size))
        return dict(zip(layers, distances, strict=True))
