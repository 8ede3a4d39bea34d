"""The sounding masks of a decided video, frame by frame: what exporters are fed with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seac.media.image import read_image
from seac.media.presentation import TimedFrame, timed_frames
from seac.results.rle import decode_rle
from seac.results.values import STEP, AudioSteps, DecidedVideo, FrameMasks, KeyFrame, VideoInfo
from seac.video.flow import DEFAULT_FLOW, FlowSettings
from seac.video.propagation import MAX_BYTES, KeyMasks, Propagation, SizedFrame
from seac.video.schedule import Likelihood, SpanSchedule

Pixels: TypeAlias = NDArray[np.uint8]


class VideoResult(Protocol):
    """What is shown of a result folder."""

    @property
    def info(self) -> VideoInfo:
        """The source."""
        ...

    @property
    def steps(self) -> AudioSteps:
        """The audio."""
        ...

    def key_frames(self) -> Iterator[KeyFrame]:
        """The frames on which the networks ran, in order."""
        ...


def every_frame(
    result: VideoResult,
    decided: DecidedVideo,
    source: Path | None = None,
    *,
    flow: FlowSettings = DEFAULT_FLOW,
    max_bytes: int = MAX_BYTES,
) -> Iterator[FrameMasks]:
    """Every frame of the source with its sounding masks; in between key frames they are carried by motion.

    A still image is a video of a frame per audio step, whose masks are those of the last key frame.

    Args:
        result: what the networks found.
        decided: which tracks are shown when.
        source: the file, if it is no longer at ``result.info.source``.
        flow: cost and quality of the motion.
        max_bytes: maximum size of the frames that are held.

    Raises:
        InputError: the source is missing or cannot be decoded.
    """
    if result.info.still:
        yield from _still_frames(result, decided, source)
        return
    view = _View(result, decided)
    propagation = Propagation(result.info.size, view.schedule, flow, max_bytes)
    frames = (_sized(frame, result.info.size) for frame in timed_frames(_path(result, source)))
    keys = (key.masks for key in view.key_frames())
    for frame, masks in propagation.run(frames, keys):
        yield view.frame(frame, masks, frame.image)


def key_frames_only(
    result: VideoResult, decided: DecidedVideo, source: Path | None = None, *, images: bool = True
) -> Iterator[FrameMasks]:
    """The key frames with their sounding masks; the duration of each goes on until the next.

    Args:
        result: what the networks found.
        decided: which tracks are shown when.
        source: the file, if it is no longer at ``result.info.source``.
        images: whether the frames are decoded; without, the source is not opened.

    Raises:
        InputError: the source is missing or cannot be decoded.
    """
    view = _View(result, decided)
    pixels = _images(result, source) if images else None
    number, pixels_at = -1, None
    for key, stop in _with_stops(view.key_frames(), result.info.duration):
        while pixels is not None and number < key.masks.index:
            number, pixels_at = next(pixels, (key.masks.index, pixels_at))
        moment = _Moment(key.masks.index, key.masks.time, max(0.0, stop - key.masks.time))
        image = None if pixels_at is None else pixels_at()
        yield view.frame(moment, view.masks(key, key.masks.time), image)


def _still_frames(result: VideoResult, decided: DecidedVideo, source: Path | None) -> Iterator[FrameMasks]:
    """A frame for each audio step; the masks of a still image do not move."""
    view, info = _View(result, decided), result.info
    image = next(_images(result, source))[1]()
    keys = view.key_frames()
    key, following = next(keys, None), next(keys, None)
    for step in range(max(1, round(info.duration / STEP))):
        time = step * STEP
        while following is not None and following.masks.time <= time + 1e-6:
            key, following = following, next(keys, None)
        masks = view.masks(key, time) if key is not None else {}
        yield view.frame(_Moment(step, time, STEP), masks, image)


@dataclass(frozen=True)
class _Moment:
    """Number, time and duration of a frame."""

    index: int
    time: float
    duration: float


@dataclass(frozen=True)
class _Key:
    """A key frame at its position."""

    position: int
    masks: KeyMasks


class _View:
    """A result as it was decided.

    Args:
        result: what the networks found.
        decided: which tracks are shown when.
    """

    def __init__(self, result: VideoResult, decided: DecidedVideo) -> None:
        self.schedule = SpanSchedule(decided.tracks)
        self._result = result
        self._likelihood = Likelihood(result.steps, self.schedule)
        self._tracks = {track.id for track in decided.tracks}
        covered: dict[int, set[int]] = {}
        for track in decided.tracks:
            for position in track.covered:
                covered.setdefault(position, set()).add(track.id)
        self._covered = {position: frozenset(tracks) for position, tracks in covered.items()}

    def key_frames(self) -> Iterator[_Key]:
        """The key frames with the masks of the tracks that are shown at some time."""
        for position, key in enumerate(self._result.key_frames()):
            self._likelihood.enter(position, key)
            codes = {
                int(track): code
                for track, code in zip(key.tracks, key.masks, strict=True)
                if int(track) in self._tracks
            }
            covered = self._covered.get(position, frozenset())
            yield _Key(position, KeyMasks(key.index, key.time, key.cut, codes, covered))

    def masks(self, key: _Key, time: float) -> dict[int, NDArray[np.bool_]]:
        """The masks (H, W) bool of a key frame that are shown at a time."""
        found = key.masks
        shown = [track for track in self.schedule.at(time) if track in found.codes]
        shown = [track for track in shown if track not in found.covered]
        decoded = decode_rle([found.codes[track] for track in shown], self._result.info.size)
        return dict(zip(shown, decoded, strict=True))

    def frame(
        self,
        at: _Moment | SizedFrame,
        masks: Mapping[int, NDArray[np.bool_]],
        image: NDArray[np.uint8] | None,
    ) -> FrameMasks:
        """The masks of a frame in order of their probability; empty masks are left out."""
        tracks = [track for track, mask in masks.items() if mask.any()]
        probability = np.array([self._likelihood.at(track, at.time) for track in tracks], np.float32)
        rows = np.argsort(-probability, kind="stable")
        stacked = np.zeros((len(rows), *self._result.info.size), np.bool_)
        for place, row in enumerate(rows):
            stacked[place] = masks[tracks[row]]
        ids = np.array(tracks, np.int64)[rows]
        return FrameMasks(at.index, at.time, at.duration, ids, stacked, probability[rows], image)


def _with_stops(keys: Iterator[_Key], end: float) -> Iterator[tuple[_Key, float]]:
    """Each key frame with the time of the next, the last with ``end``."""
    key = next(keys, None)
    while key is not None:
        following = next(keys, None)
        yield key, end if following is None else following.masks.time
        key = following


def _path(result: VideoResult, source: Path | None) -> Path:
    return source if source is not None else Path(result.info.source)


def _sized(frame: TimedFrame, size: tuple[int, int]) -> SizedFrame:
    return SizedFrame(frame.index, frame.time, frame.duration, frame.rgb(size))


def _images(result: VideoResult, source: Path | None) -> Iterator[tuple[int, Callable[[], Pixels]]]:
    """Number of every frame, and its pixels on demand; a still image is repeated without end."""
    path, size = _path(result, source), result.info.size
    if not result.info.still:
        yield from ((frame.index, partial(frame.rgb, size)) for frame in timed_frames(path))
        return
    image = np.ascontiguousarray(read_image(path, max(size)).permute(1, 2, 0).numpy())
    yield from ((number, lambda: image) for number in count())
