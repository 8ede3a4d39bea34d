"""Streaming decoders for video and audio; memory does not grow with the length of the file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.media.animation import animation_frames, is_animation
from seac.media.audio import decode_audio
from seac.media.clock import Clock, clock_origin
from seac.media.container import audio_stream, decode_video, open_container, track_notes, video_stream
from seac.media.damage import Damage
from seac.media.image import MAX_SIDE
from seac.media.pixels import fit_size, pixel_aspect, shown_size, to_rgb, upright_size
from seac.media.presentation import DEFAULT_RATE, add_times, frame_rate, held_end

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
        video_duration: seconds to the end of the video stream; 0 if the container does not store it.
        audio_duration: seconds to the end of the audio stream; 0 if the container does not store it.
        notes: which track is used, of a file with several.
        format: name of the format in FFmpeg.
    """

    duration: float
    has_video: bool
    has_audio: bool
    video_duration: float = 0.0
    audio_duration: float = 0.0
    notes: tuple[str, ...] = ()
    format: str = field(default="", compare=False)


@dataclass(frozen=True)
class Frame:
    """A frame of a video.

    Attributes:
        time: seconds.
        image: (3, H, W) uint8 RGB, upright, with square pixels.
        original_size: (height, width) of the stored pixels, upright.
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
        video, audio = video_stream(container), audio_stream(container)
        origin = clock_origin(container)
        lengths = stream_end(video, origin), stream_end(audio, origin)
        notes = track_notes(path.name, container)
        present = video is not None, audio is not None
        return Media(max(0.0, duration), *present, *lengths, notes, container.format.name)


def stream_end(stream: av.VideoStream | av.AudioStream | None, origin: Fraction) -> float:
    """Seconds from the beginning of a file to the end of a stream; 0 without one, or if it does not say.

    Args:
        stream: of the file.
        origin: timestamp of the beginning in seconds.
    """
    if stream is None or not stream.duration or stream.time_base is None:
        return 0.0
    late = 0 if stream.start_time is None else stream.start_time * stream.time_base - origin
    return max(0.0, float(late + stream.duration * stream.time_base))


def frames(
    path: Path,
    fps: float,
    max_side: int = MAX_SIDE,
    *,
    start: float = 0.0,
    stop: float = math.inf,
    damage: Damage | None = None,
) -> Iterator[Frame]:
    """Yield the frames shown at start, start + 1/fps, ... seconds, upright and with square pixels.

    Times count from the beginning of the file, as for audio. If the video stream starts later, its first
    frame is shown until then, so that a video made from the frames stays in sync with the audio; if the audio
    of the file ends later, the last frame is shown until then. In a video of variable frame rate each frame
    is shown until the next one. Damaged packets are left out.

    Args:
        path: the file.
        fps: frames per second.
        max_side: maximum long side of the frames in pixels; larger frames are scaled down.
        start: seconds; a video that ends earlier yields its last frame.
        stop: seconds, exclusive.
        damage: filled with what is damaged.

    Raises:
        InputError: not a video, no decodable frame, or fps below :data:`MIN_FPS`.
    """
    check_fps(fps)
    if is_animation(path):
        moving = add_times(animation_frames(path, damage), 0.0, 1 / DEFAULT_RATE)
        yield from _at_rate(_Timed(moving), fps, max_side, start, stop)
        return
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no video; give a video, or an image and this file as --audio")
        clock = Clock.of(container)
        timed = _timed(container, stream, path, clock, start, damage)
        given = False
        for frame in _at_rate(_Timed(timed, pixel_aspect(stream), clock), fps, max_side, start, stop):
            given = True
            yield frame
        if not given:
            raise InputError(f"{path}: no frame could be decoded; check that the file is complete")


@dataclass(frozen=True)
class _Timed:
    """Decoded frames as (time, length, frame) in seconds.

    Attributes:
        frames: in order of presentation.
        aspect: width of a stored pixel over its height.
        clock: of the file; its end is known at the end of the frames.
    """

    frames: Iterator[tuple[float, float, av.VideoFrame]]
    aspect: float = 1.0
    clock: Clock | None = None


def _at_rate(timed: _Timed, fps: float, max_side: int, start: float, stop: float) -> Iterator[Frame]:
    """The frames shown at start, start + 1/fps, ... seconds until ``stop``."""
    shown: av.VideoFrame | None = None
    due, count, end = start, 0, 0.0
    for time, length, frame in timed.frames:
        while shown is not None and due < min(time, stop) - 1e-6:
            yield _to_frame(shown, due, max_side, timed.aspect)
            count += 1
            due = start + count / fps
        if due >= stop - 1e-6:
            return
        shown, end = frame, time + length
    if shown is None:
        return
    end = held_end(end, timed.clock.end) if timed.clock is not None else end
    while count == 0 or due < min(end, stop) - 1e-6:
        yield _to_frame(shown, due, max_side, timed.aspect)
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

    Args:
        audio: a file, or mono frames in "fltp" at the sample rate.
        sample_rate: Hz.
        damage: filled with what is damaged in the file.
    """

    def __init__(
        self,
        audio: Path | Iterable[av.AudioFrame],
        sample_rate: int = SAMPLE_RATE,
        damage: Damage | None = None,
    ) -> None:
        self.sample_rate = sample_rate
        frames = decode_audio(audio, "mono", sample_rate, damage) if isinstance(audio, Path) else audio
        self._chunks = (part.to_ndarray()[0] for part in frames)
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


def _timed(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    path: Path,
    clock: Clock,
    start: float,
    damage: Damage | None,
) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Decoded frames as (time, length, frame), in seconds.

    Starts beyond :data:`MIN_SEEK` are reached by the index of the file, from an earlier key frame, because
    indices of damaged or streamed files are off by seconds. A file whose timestamps may begin anew is read
    from its beginning.
    """
    if start > MIN_SEEK and not clock.discontinuous and stream.time_base is not None:
        container.seek(round((start - MIN_SEEK / 2 + float(clock.origin)) / stream.time_base), stream=stream)
        yield from seeked_times(decode_video(container, stream, path, clock, damage), float(clock.origin))
        return
    decoded = decode_video(container, stream, path, clock, damage)
    yield from add_times(decoded, float(clock.origin), 1 / frame_rate(stream))


def seeked_times(
    frames: Iterable[av.VideoFrame], origin: float
) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Frames from the middle of a file as (time, length, frame), by their timestamps alone."""
    until = 0.0
    for frame in frames:
        time = float(frame.pts * frame.time_base) - origin if frame.pts is not None else until
        length = float(frame.duration * frame.time_base) if frame.duration else 0.0
        until = time + length
        yield time, length, frame


def _to_frame(frame: av.VideoFrame, time: float, max_side: int, aspect: float) -> Frame:
    """Scale a frame with the decoder's scaler, convert it to an array and rotate it upright."""
    array = to_rgb(frame, fit_size(shown_size(frame, aspect), max_side))
    return Frame(time, torch.from_numpy(array).permute(2, 0, 1).contiguous(), upright_size(frame))
