"""Opening of media files, with one time origin for all streams of a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError

from seac.core.errors import InputError

# Tags that are not UTF-8 stop no file from being read. From 19 on PyAV reads them so by itself.
LENIENT: dict[str, str] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


@contextmanager
def open_container(path: Path) -> Iterator[av.container.InputContainer]:
    """Open the container of a media file; it is closed at the end of the block.

    Raises:
        InputError: missing, a directory, empty, not a media file, or damaged (raised by the block).
    """
    if path.is_dir():
        raise InputError(f"{path}: is a directory; give a media file")
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes); give a media file")
    try:
        container = av.open(str(path), **LENIENT)
    except (FFmpegError, ValueError, OSError):
        raise InputError(f"{path}: not a readable media file; check that the file is complete") from None
    with container:
        try:
            yield container
        except (FFmpegError, MemoryError):  # sizes in a damaged header exceed the memory
            raise InputError(f"{path}: damaged, its packets cannot be read; repair the file") from None


def clock_origin(container: av.container.InputContainer) -> Fraction:
    """Timestamp in seconds of the beginning of a file; times of frames and audio are relative to it.

    The start of the container is used. Without it, the earliest start of a stream is used.
    """
    if container.start_time is not None:
        return Fraction(container.start_time, av.time_base)
    begun = (stream for stream in container.streams if None not in (stream.start_time, stream.time_base))
    return min((stream.start_time * stream.time_base for stream in begun), default=Fraction(0))


def video_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first video stream; cover art of an audio file does not count."""
    for stream in container.streams.video:
        if not (int(stream.disposition) & int(av.stream.Disposition.attached_pic)):
            return stream
    return None


def decode_video(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path
) -> Iterator[av.VideoFrame]:
    """Decode a video stream to its end.

    Raises:
        InputError: the stream is damaged or truncated.
    """
    stream.thread_type = "AUTO"
    try:
        yield from container.decode(stream)
    except FFmpegError as error:
        raise InputError(f"{path}: video cannot be decoded ({error.strerror}); repair the file") from None
