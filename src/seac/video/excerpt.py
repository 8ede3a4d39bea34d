"""Masks of the frames of a part of a video, small and for many tracks: what a player draws while it plays.

A decision is not needed: every track that was asked for is carried, and the player decides which to draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from seac.media.pixels import fit_size
from seac.media.presentation import frames_from
from seac.results.reader import VideoResult
from seac.results.rle import decode_rle, encode_rle
from seac.results.values import STEP, AudioSteps, DecidedTrack, KeyFrame, Span
from seac.video.flow import FlowSettings
from seac.video.propagation import KeyMasks, Propagation, SizedFrame
from seac.video.schedule import SpanSchedule

MAX_SIDE = 320
"""Longest side of the masks in pixels."""
FLOW = FlowSettings(side=224)
"""Coarser than that of an overlay, whose masks are larger."""
AROUND = 1.0
"""Seconds around the steps in which a track is likely, during which it is carried too."""


@dataclass(frozen=True)
class ExcerptFrame:
    """A frame of an excerpt.

    Attributes:
        time: seconds of its presentation.
        codes: mask of each track in COCO's compressed run-length code; tracks without a pixel are left out.
    """

    time: float
    codes: Mapping[int, bytes]


def likely_tracks(result: VideoResult, minimum: float) -> dict[int, tuple[float, float]]:
    """First and last second of the tracks that are at least so likely in some step, by track.

    Args:
        result: from :func:`seac.open_result`.
        minimum: a probability.
    """
    steps: AudioSteps = result.steps
    found: dict[int, tuple[float, float]] = {}
    for step, (position, values) in enumerate(zip(steps.key_frame.tolist(), steps.probability, strict=True)):
        if position < 0 or steps.silent[step] or steps.noise[step]:
            continue
        start, stop = step * STEP - AROUND, (step + 1) * STEP + AROUND
        for track in result.track_ids[position][values >= np.float32(minimum)].tolist():
            first, last = found.get(track, (start, stop))
            found[track] = min(first, start), max(last, stop)
    return found


def small_size(result: VideoResult) -> tuple[int, int]:
    """(height, width) of the masks of an excerpt."""
    return fit_size(result.info.size, MAX_SIDE)


def small_codes(
    result: VideoResult, frame: KeyFrame, tracks: frozenset[int] | None = None
) -> dict[int, bytes]:
    """The masks of a key frame at :func:`small_size` in run-length code, by track.

    Args:
        result: gives the sizes.
        frame: a key frame of it.
        tracks: only these; all if None.
    """
    rows = [row for row, track in enumerate(frame.tracks.tolist()) if tracks is None or track in tracks]
    size = small_size(result)
    masks = decode_rle([frame.masks[row] for row in rows], result.info.size)
    small = np.stack([_reduce(mask, size) for mask in masks]) if rows else np.zeros((0, *size), np.bool_)
    return dict(zip(frame.tracks[rows].tolist(), encode_rle(small), strict=True))


def excerpt_frames(
    result: VideoResult,
    positions: tuple[int, int],
    tracks: Mapping[int, tuple[float, float]],
    source: Path | None = None,
) -> Iterator[ExcerptFrame]:
    """The frames from a key frame, inclusive, to another, exclusive, with the masks of tracks.

    Key frames are as they were found; in between masks are carried by motion, see
    :class:`seac.video.propagation.Propagation`. Of a still image only the key frames are given.

    Args:
        result: from :func:`seac.open_result`.
        positions: of the two key frames; the number of key frames stands for the end of the video.
        tracks: first and last second at which each track is shown.
        source: the file, if it is no longer at ``result.info.source``.

    Raises:
        InputError: the source is missing or cannot be decoded, or the result is damaged.
    """
    first, last = positions
    start = 0.0 if first == 0 else float(result.times[first])
    stop = float(result.times[last]) if last < len(result) else np.inf
    chosen = frozenset(tracks)
    if result.info.still:
        for position in range(first, last):
            key = result.key_frame(position)
            yield ExcerptFrame(key.time, small_codes(result, key, chosen))
        return
    # A key frame earlier, so that masks which the first one lacks are carried to it.
    before = max(0, first - 1)
    keys = (
        _key_masks(result, result.key_frame(position), chosen)
        for position in range(before, min(last + 1, len(result)))
    )
    size = small_size(result)
    decoded = frames_from(source or Path(result.info.source), float(result.times[before]) if before else 0.0)
    frames = (
        SizedFrame(_order(frame.time), frame.time, frame.duration, frame.rgb(size))
        for frame in decoded
        if frame.time >= result.times[before] - 1e-6 or not before
    )
    for frame, masks in Propagation(size, _schedule(tracks), FLOW).run(_until(frames, stop), keys):
        if start <= frame.time + 1e-6 and frame.time + 1e-6 < stop:
            yield ExcerptFrame(frame.time, _encode(masks))


def excerpt_bounds(result: VideoResult, seconds: float) -> list[int]:
    """Positions of key frames that divide a video into parts of at least so many seconds, with its end.

    Args:
        result: from :func:`seac.open_result`.
        seconds: least length of a part; the last may be shorter.
    """
    bounds = [0]
    for position, time in enumerate(result.times.tolist()):
        if time - result.times[bounds[-1]] >= seconds:
            bounds.append(position)
    return [*bounds, len(result)] if len(result) else [0]


def part_at(result: VideoResult, bounds: list[int], time: float) -> tuple[int, int]:
    """The part of :func:`excerpt_bounds` that contains a time in seconds, as two positions.

    Args:
        result: from :func:`seac.open_result`.
        bounds: its parts.
        time: seconds.
    """
    found = bounds[0], bounds[min(1, len(bounds) - 1)]
    for first, last in pairwise(bounds):
        if result.times[first] <= time + 1e-6:
            found = first, last
    return found


def _order(time: float) -> int:
    """Microseconds: after a jump into a file its frames have no numbers, but times are in the same order."""
    return round(time * 1e6)


def _key_masks(result: VideoResult, frame: KeyFrame, tracks: frozenset[int]) -> KeyMasks:
    return KeyMasks(_order(frame.time), frame.time, frame.cut, small_codes(result, frame, tracks))


def _until(frames: Iterator[SizedFrame], stop: float) -> Iterator[SizedFrame]:
    """The frames up to that of the key frame at ``stop``, inclusive: motion is followed back from it."""
    for frame in frames:
        yield frame
        if frame.time + 1e-6 >= stop:
            return


def _schedule(tracks: Mapping[int, tuple[float, float]]) -> SpanSchedule:
    return SpanSchedule(
        tuple(
            DecidedTrack(track, "", (0, 0, 0), (Span(start, stop, 1.0, 0.0),))
            for track, (start, stop) in tracks.items()
        )
    )


def _reduce(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    if mask.shape == size:
        return mask
    grey = cv2.resize(mask.astype(np.uint8) * 255, size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(grey >= 128)


def _encode(masks: Mapping[int, NDArray[np.bool_]]) -> dict[int, bytes]:
    found = {track: mask for track, mask in masks.items() if mask.any()}
    if not found:
        return {}
    return dict(zip(found, encode_rle(np.stack(list(found.values()))), strict=True))
