"""Video and sound out of a file, a piece at a time: memory does not grow with its length."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from av.error import FFmpegError
from torch import Tensor

from seac.core.errors import InputError
from seac.media.audio import decode_audio
from seac.media.container import opened, origin_of
from seac.media.image import MAX_SIDE, shrink

SAMPLE_RATE = 16_000
"""Hz of the sound that is given to audio networks."""

MIN_FPS = 1e-4
"""A picture in nearly three hours; not far below it, the fraction that a film's clock ticks in is 0."""

FAR = 20.0
"""Seconds that are decoded rather than skipped by the file's index."""


@dataclass(frozen=True)
class Media:
    """What a file holds.

    Attributes:
        duration: seconds; 0 where the container does not say.
        has_video: whether it has moving pictures (cover art of a sound file does not count).
        has_audio: whether it has a sound track.
    """

    duration: float
    has_video: bool
    has_audio: bool


@dataclass(frozen=True)
class Frame:
    """A picture of a video: ``time`` in seconds, ``image`` (3, H, W) uint8 RGB, and the size it had."""

    time: float
    image: Tensor
    original_size: tuple[int, int]


def probe(path: Path) -> Media:
    """Say what is in a media file without decoding it.

    Raises:
        InputError: missing, a directory, empty, or not a media file.
    """
    with opened(path) as container:
        duration = container.duration / av.time_base if container.duration else 0.0
        return Media(max(0.0, duration), _video_stream(container) is not None, bool(container.streams.audio))


def frames(
    path: Path, fps: float, max_side: int = MAX_SIDE, *, start: float = 0.0, stop: float = math.inf
) -> Iterator[Frame]:
    """The picture that is on the screen at start, start + 1/fps, ... seconds, upright, one at a time.

    Seconds are counted from the beginning of the file, as those of its sound are: where pictures start later,
    the first one stands until then, so that a film made of the frames is in step with the sound. Frames of
    variable rate are held until the next one is due. A file that breaks off in the middle gives what comes
    before, then an error.

    Args:
        path: the file.
        fps: pictures per second.
        max_side: long side in pixels that pictures are scaled down to.
        start: seconds; a film that ends before gives its last picture.
        stop: seconds; the first time that is left out.

    Raises:
        InputError: not a video, nothing decodable in it, or broken off; or fps below :data:`MIN_FPS`.
    """
    check_fps(fps)
    shown: av.VideoFrame | None = None
    due, count, end = start, 0, 0.0
    with opened(path) as container:
        stream = _video_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no picture; give a video, or an image and this file as --audio")
        for time, until, frame in _timed(container, stream, path, start):
            while shown is not None and due < min(time, stop) - 1e-6:
                yield _frame(shown, due, max_side)
                count += 1
                due = start + count / fps
            if due >= stop - 1e-6:
                return
            shown, end = frame, until
        if shown is None:
            raise InputError(f"{path}: no frame could be decoded; is the file whole?")
        while count == 0 or due < min(end, stop) - 1e-6:
            yield _frame(shown, due, max_side)
            count += 1
            due = start + count / fps


def check_fps(fps: float) -> None:
    """Refuse a rate at which no video can be shown.

    Raises:
        InputError: below :data:`MIN_FPS`, infinite, or not a number.
    """
    if not MIN_FPS <= fps < math.inf:
        raise InputError(f"fps is {fps:g}: give a number of frames per second, at least {MIN_FPS:g}")


class AudioReader:
    """Windows of a file's sound in order of time; holds no more than the window that was asked for.

    ``read(start, stop)`` needs starts that never go back. What lies before the beginning or after the end of
    the sound is left out, so a window at either end is shorter.
    """

    def __init__(self, path: Path, sample_rate: int = SAMPLE_RATE) -> None:
        self.sample_rate = sample_rate
        self._chunks = (part.to_ndarray()[0] for part in decode_audio(path, "mono", sample_rate))
        self._buffer = np.zeros(0, np.float32)
        self._first = 0
        self._ended = False

    def read(self, start: float, stop: float) -> Tensor:
        """Mono sound from ``start`` to ``stop`` (seconds): (S,) float32 in [-1, 1].

        Raises:
            InputError: the sound breaks off with an error.
        """
        first, last = max(0, round(start * self.sample_rate)), round(stop * self.sample_rate)
        parts = [self._buffer]
        have = self._first + len(self._buffer)
        while have < last and not self._ended:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._ended = True
                break
            parts.append(chunk)
            have += len(chunk)
        buffer = np.concatenate(parts) if len(parts) > 1 else parts[0]
        drop = min(max(0, first - self._first), len(buffer))
        self._buffer, self._first = buffer[drop:].copy(), self._first + drop
        return torch.from_numpy(self._buffer[: max(0, last - self._first)].copy())


def load_waveform(path: Path, sample_rate: int = SAMPLE_RATE, seconds: float | None = None) -> Tensor:
    """The sound of a file, mono: (S,) float32 in [-1, 1] at ``sample_rate``; the first ``seconds`` if given.

    Raises:
        InputError: missing, no sound in it, broken, or of no length.
    """
    waveform = AudioReader(path, sample_rate).read(0, 1e9 if seconds is None else seconds)
    if len(waveform) == 0:
        raise InputError(f"{path}: its sound has no length; give a file with at least one sample")
    return waveform


def _video_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first stream of moving pictures; cover art of a sound file is a still and does not count."""
    for stream in container.streams.video:
        if not (int(stream.disposition) & int(av.stream.Disposition.attached_pic)):
            return stream
    return None


def _decoded(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path
) -> Iterator[av.VideoFrame]:
    try:
        yield from container.decode(stream)
    except FFmpegError as error:
        raise InputError(f"{path}: breaks off ({error.strerror}); repair or cut the file") from None


def _timed(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path, start: float
) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Decoded frames with the seconds from which and until which each is shown.

    Only what lies far ahead is sought by the file's index, from a key frame before it: indices of damaged or
    streamed files are off by seconds.
    """
    stream.thread_type = "AUTO"
    origin = origin_of(container)
    if start > FAR:
        container.seek(round((start - FAR / 2 + float(origin)) / stream.time_base), stream=stream)
    until = 0.0
    for frame in _decoded(container, stream, path):
        time = float(frame.pts * frame.time_base - origin) if frame.pts is not None else until
        until = time + (float(frame.duration * frame.time_base) if frame.duration else 0.0)
        yield time, until, frame


def _frame(frame: av.VideoFrame, time: float, max_side: int) -> Frame:
    """Scaled by the decoder's own scaler before it becomes an array, then turned upright."""
    scale = min(1.0, max_side / max(frame.width, frame.height))
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    array = frame.reformat(*size, format="rgb24").to_ndarray()
    turns = round(frame.rotation / 90) % 4
    upright = np.ascontiguousarray(np.rot90(array, turns)) if turns else array
    original = (frame.width, frame.height) if turns % 2 else (frame.height, frame.width)
    return Frame(time, shrink(torch.from_numpy(upright).permute(2, 0, 1).contiguous(), max_side), original)
