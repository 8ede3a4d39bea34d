"""Every frame of a video with the time of its presentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from seac.core.errors import InputError
from seac.media.animation import animation_frames, is_animation
from seac.media.clock import MAX_GAP, RESET, Clock
from seac.media.container import decode_video, open_container, video_stream
from seac.media.damage import Damage
from seac.media.pixels import pixel_aspect, shown_size, to_rgb, upright_size

DEFAULT_RATE = 25.0
"""Frames per second of a video that names none."""
HOLD = 0.25
"""Seconds by which the audio of a file must outlast its video for the last frame to stand to its end."""


@dataclass(frozen=True)
class TimedFrame:
    """A frame of a video; its pixels are converted when they are asked for.

    Attributes:
        index: number of the frame from 0, in order of presentation.
        time: seconds of its presentation.
        duration: seconds until the next frame.
        decoded: frame of the decoder.
        scaler: scaler of the video.
        aspect: width of a stored pixel over its height.
    """

    index: int
    time: float
    duration: float
    decoded: av.VideoFrame
    scaler: VideoReformatter
    aspect: float = 1.0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frame as it is shown: upright, with square pixels."""
        return shown_size(self.decoded, self.aspect)

    @property
    def stored_size(self) -> tuple[int, int]:
        """(height, width) of the stored pixels of the frame, upright."""
        return upright_size(self.decoded)

    def rgb(self, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Pixels of the frame: (H, W, 3) uint8 RGB, upright; see :func:`seac.media.pixels.to_rgb`."""
        return to_rgb(self.decoded, size or self.size, self.scaler)


def timed_frames(path: Path, damage: Damage | None = None) -> Iterator[TimedFrame]:
    """Yield every frame of a video or of an animated image; variable frame rate is kept.

    Times count from the beginning of the file, as for audio. If the video stream starts later, its first
    frame is shown from 0 on; if the audio of the file ends later, the last frame is shown until then. Times
    increase: a frame without a timestamp follows the frame before it, and so does a frame whose timestamp
    goes back. Damaged packets are left out.

    Args:
        path: the file.
        damage: filled with what is damaged.

    Raises:
        InputError: not a video, or no decodable frame.
    """
    if is_animation(path):
        yield from time_frames(animation_frames(path, damage), 0.0, DEFAULT_RATE)
        return
    with open_container(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no video; give a video, or an image and this file as --audio")
        rate, clock = frame_rate(stream), Clock.of(container)
        decoded = decode_video(container, stream, path, clock, damage)
        given = False
        for frame in time_frames(
            decoded, float(clock.origin), rate, aspect=pixel_aspect(stream), until=lambda: clock.end
        ):
            given = True
            yield frame
        if not given:
            raise InputError(f"{path}: no frame could be decoded; check that the file is complete")


def frames_from(path: Path, start: float) -> Iterator[TimedFrame]:
    """Yield the frames of a video from about a time on: the index of the file is used, little is decoded.

    Numbers count from the first frame that is given, which is shown at ``start`` or earlier. A file whose
    index is wrong, or whose timestamps may begin anew, is decoded from its beginning.

    Args:
        path: the video.
        start: seconds.

    Raises:
        InputError: as :func:`timed_frames`.
    """
    if start > 0 and not is_animation(path):
        with open_container(path) as container:
            stream, clock = video_stream(container), Clock.of(container)
            if stream is not None and stream.time_base is not None and not clock.discontinuous:
                container.seek(int((Fraction(start) + clock.origin) / stream.time_base), stream=stream)
                decoded = decode_video(container, stream, path, clock)
                first = next(decoded, None)
                if first is not None and first.pts is not None:
                    begins = float(first.pts * first.time_base) - float(clock.origin)
                    if begins <= start:
                        yield from time_frames(
                            chain([first], decoded),
                            float(clock.origin),
                            frame_rate(stream),
                            aspect=pixel_aspect(stream),
                            until=lambda: clock.end,
                            begins=begins,
                        )
                        return
    yield from timed_frames(path)


def frame_rate(stream: av.VideoStream) -> float:
    """Mean frames per second that a stream names, or :data:`DEFAULT_RATE`."""
    return float(stream.average_rate or stream.guessed_rate or DEFAULT_RATE)


def time_frames(
    decoded: Iterable[av.VideoFrame],
    origin: float,
    rate: float,
    *,
    aspect: float = 1.0,
    until: Callable[[], float] = float,
    begins: float = 0.0,
) -> Iterator[TimedFrame]:
    """Decoded frames with their numbers and times, each given when the next one is decoded.

    Args:
        decoded: frames in order of presentation.
        origin: timestamp of the beginning of the file in seconds.
        rate: frames per second, for frames that do not say their duration.
        aspect: width of a stored pixel over its height.
        until: seconds until which the last frame stands, if that is well after its own end; asked at the end.
        begins: seconds of the first frame.
    """
    scaler = VideoReformatter()
    previous: tuple[int, float, float, av.VideoFrame] | None = None
    for index, (time, length, frame) in enumerate(add_times(decoded, origin, 1 / rate, begins)):
        if previous is not None:
            number, start, _, shown = previous
            yield TimedFrame(number, start, time - start, shown, scaler, aspect)
        previous = index, time, length, frame
    if previous is not None:
        number, start, length, shown = previous
        yield TimedFrame(number, start, held_end(start + length, until()) - start, shown, scaler, aspect)


def held_end(end: float, audio_end: float) -> float:
    """Seconds until which the last frame of a video is shown: to the end of sound that outlasts it."""
    return audio_end if audio_end - end > HOLD else end


def add_times(
    frames: Iterable[av.VideoFrame], origin: float, interval: float, begins: float = 0.0
) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Frames as (time, own duration, frame); times increase, the first is ``begins``.

    Args:
        frames: decoded frames.
        origin: timestamp of the beginning of the file in seconds.
        interval: seconds of a frame that does not say its duration.
        begins: seconds of the first frame.
    """
    last, until = None, 0.0
    for frame in frames:
        length = float(frame.duration * frame.time_base) if frame.duration else interval
        time = until if frame.pts is None else float(frame.pts * frame.time_base) - origin
        if last is None:
            time = begins
        elif time <= last:
            if last - time > RESET:
                origin -= until - time
                time = until
            else:
                time = last + min(length, interval) / 2
        elif time - until > MAX_GAP:
            origin += time - until - MAX_GAP
            time = until + MAX_GAP
        last, until = time, time + length
        yield time, length, frame
