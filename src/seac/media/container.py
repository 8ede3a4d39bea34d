"""A media file, opened: refused in one line if it is none, with one clock for all that is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError

from seac.core.errors import InputError


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """The container of a media file, closed at the end of the block.

    Raises:
        InputError: missing, a directory, empty, or not a media file.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a directory; give a media file")
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes); give a media file")
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (FFmpegError, ValueError, OSError):
        raise InputError(f"{path}: not a media file that can be read; is the file whole?") from None
    with container:
        yield container


def origin_of(container: av.container.InputContainer) -> Fraction:
    """Seconds that a file's own clock shows at its beginning: pictures and sound are both counted from it.

    A stream that starts later than another is late, not early, so streams' own beginnings are asked for only
    where the container has none.
    """
    if container.start_time is not None:
        return Fraction(container.start_time, av.time_base)
    begun = (stream for stream in container.streams if None not in (stream.start_time, stream.time_base))
    return min((stream.start_time * stream.time_base for stream in begun), default=Fraction(0))
