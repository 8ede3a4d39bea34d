"""Streaming decoders for video and audio; memory does not grow with the length of the file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.media.audio import decode_audio
from seac.media.container import clock_origin, decode_video, open_container, video_stream
from seac.media.image import MAX_SIDE
from seac.media.pixels import fit_size, to_rgb, upright_size

SAMPLE_RATE = 16_000
"""Sample rate of the waveforms for audio encoders in Hz."""

MIN_FPS = 1e-4
"""Minimum frames per second; a much lower rate rounds to 0 when it becomes the time base of a video."""

MIN_SEEK = 20.0
"""Start in seconds above which the index of the file is used for seeking; below it frames are decoded."""


@dataclass(frozen=True)
class Media:
    """Streams of a media file.

    Attributes:
        duration: seconds; 0 if the container does not store it.
        has_video: whether there is a video stream (cover art of an audio file does not count).
        has_audio: whether there is an audio stream.
    """

    duration: float
    has_video: bool
    has_audio: bool


@dataclass(frozen=True)
class Frame:
    """A frame of a video.

    Attributes:
        time: seconds.
        image: (3, H, W) uint8 RGB.
        original_size: (height, width) before scaling.
    """

    time: float
    image: Tensor
    original_size: tuple[int, int]


def probe(path: Path) -> Media:
    """Read the streams and the duration of a media file without decoding it.

    Raises:
        InputError: missing, a directory, empty, or not a media file.
    """
    with open_container(path) as container:
        duration = container.duration / av.time_base if container.duration else 0.0
        return Media(max(0.0, duration), video_stream(container) is not None, bool(container.streams.audio))


def frames(
    path: Path, fps: float, max_side: int = MAX_SIDE, *, start: float = 0.0, stop: float = math.inf
) -> Iterator[Frame]:
    """Yield the frames shown at start, start + 1/fps, ... seconds, rotated upright.

    Times count from the beginning of the file, as for audio. If the video stream starts later, its first
    frame is shown until then, so that a video made from the frames stays in sync with the audio. In a video
    of variable frame rate each frame is shown until the next one. A truncated file yields the frames before
    the truncation, then raises.

    Args:
        path: the file.
        fps: frames per second.
        max_side: maximum long side of the frames in pixels; larger frames are scaled down.
        start: seconds; a video that ends earlier yields its last frame.
        stop: seconds, exclusive.

    Raises:
        InputError: not a video, no decodable frame, a truncated file, or fps below :data:`MIN_FPS`.
    """
    check_fps(fps)
    shown: av.VideoFrame | None = None
    due, count, end = start, 0, 0.0
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no video; give a video, or an image and this file as --audio")
        for time, until, frame in _add_times(container, stream, path, start):
            while shown is not None and due < min(time, stop) - 1e-6:
                yield _to_frame(shown, due, max_side)
                count += 1
                due = start + count / fps
            if due >= stop - 1e-6:
                return
            shown, end = frame, until
        if shown is None:
            raise InputError(f"{path}: no frame could be decoded; check that the file is complete")
        while count == 0 or due < min(end, stop) - 1e-6:
            yield _to_frame(shown, due, max_side)
            count += 1
            due = start + count / fps


def check_fps(fps: float) -> None:
    """Check a frame rate.

    Raises:
        InputError: fps below :data:`MIN_FPS`, infinite, or NaN.
    """
    if not MIN_FPS <= fps < math.inf:
        raise InputError(f"fps is {fps:g}: give a number of frames per second, at least {MIN_FPS:g}")


class AudioReader:
    """Reads windows of the audio of a file in order of time; buffers only the current window.

    The starts passed to ``read(start, stop)`` must not decrease. Windows are clipped to the extent of the
    audio, so windows at either end may be shorter.
    """

    def __init__(self, path: Path, sample_rate: int = SAMPLE_RATE) -> None:
        self.sample_rate = sample_rate
        self._chunks = (part.to_ndarray()[0] for part in decode_audio(path, "mono", sample_rate))
        self._buffer = np.zeros(0, np.float32)
        self._first = 0
        self._ended = False

    def read(self, start: float, stop: float) -> Tensor:
        """The mono waveform from ``start`` to ``stop`` (seconds): (S,) float32 in [-1, 1].

        Raises:
            InputError: the audio cannot be decoded.
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
    """The mono waveform of a file, or its first ``seconds``: (S,) float32 in [-1, 1] at ``sample_rate``.

    Raises:
        InputError: the file is missing or damaged, or has no audio or an empty audio track.
    """
    waveform = AudioReader(path, sample_rate).read(0, 1e9 if seconds is None else seconds)
    if len(waveform) == 0:
        raise InputError(f"{path}: audio track is empty; give a file with at least one sample")
    return waveform


def _add_times(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path, start: float
) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Decoded frames as (start, end, frame), the times in seconds.

    Starts beyond :data:`MIN_SEEK` are reached by the index of the file, from an earlier key frame, because
    indices of damaged or streamed files are off by seconds.
    """
    origin = clock_origin(container)
    if start > MIN_SEEK:
        container.seek(round((start - MIN_SEEK / 2 + float(origin)) / stream.time_base), stream=stream)
    until = 0.0
    for frame in decode_video(container, stream, path):
        time = float(frame.pts * frame.time_base - origin) if frame.pts is not None else until
        until = time + (float(frame.duration * frame.time_base) if frame.duration else 0.0)
        yield time, until, frame


def _to_frame(frame: av.VideoFrame, time: float, max_side: int) -> Frame:
    """Scale a frame with the decoder's scaler, convert it to an array and rotate it upright."""
    original = upright_size(frame)
    array = to_rgb(frame, fit_size(original, max_side))
    return Frame(time, torch.from_numpy(array).permute(2, 0, 1).contiguous(), original)
