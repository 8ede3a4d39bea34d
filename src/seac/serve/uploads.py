"""Check of uploaded videos by their content. The name that a client gives is shown, and never a path."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from seac.core.errors import InputError
from seac.core.text import one_line
from seac.media.container import open_container, video_stream
from seac.media.sources import resolve_source
from seac.serve.limits import ServeLimits

STEM = "source"
SUFFIXES: dict[str, str] = {
    "mov": ".mp4",
    "mp4": ".mp4",
    "matroska": ".mkv",
    "webm": ".webm",
    "avi": ".avi",
    "ogg": ".ogv",
    "mpeg": ".mpg",
    "mpegts": ".ts",
    "flv": ".flv",
    "asf": ".wmv",
}
"""Container formats that are taken, by FFmpeg's name, and the suffix under which a file is stored.

Play lists and other formats that name further files or addresses are not among them.
"""
NAME_LETTERS = 120
SIGNATURE_BYTES = 64


class TooLargeError(InputError):
    """A video or a request exceeds a limit."""


@dataclass(frozen=True)
class Upload:
    """A video that was checked.

    Attributes:
        suffix: of the file by its content.
        seconds: duration.
        size: (height, width) of its frames.
        has_audio: whether it has audio.
    """

    suffix: str
    seconds: float
    size: tuple[int, int]
    has_audio: bool


def check_upload(path: Path, limits: ServeLimits) -> Upload:
    """Check a video by its content; nothing of it is decoded.

    Args:
        path: a file without a suffix.
        limits: duration and pixels.

    Raises:
        TooLargeError: it is too long, or its frames are too large.
        InputError: it is no video.
    """
    if path.stat().st_size > limits.upload_bytes:
        raise TooLargeError(
            f"the file is larger than {limits.upload_bytes / 2**20:.0f} MiB: cut or compress it"
        )
    suffix = suffix_of(path)
    try:
        with open_container(path) as container:
            stream = video_stream(container)
            if stream is None:
                raise InputError("the file has no video stream; give a video with audio")
            size = (stream.codec_context.height, stream.codec_context.width)
        source = resolve_source(path)
    except InputError as error:
        raise InputError(str(error).replace(str(path), "the file")) from None
    if min(size) < 1:
        raise InputError("the video does not say how large its frames are; convert it to MP4")
    if size[0] * size[1] > limits.frame_pixels:
        raise TooLargeError(
            f"the video has frames of {size[1]} x {size[0]} pixels: scale them below "
            f"{limits.frame_pixels / 1e6:.1f} megapixels"
        )
    if source.duration > limits.video_seconds:
        raise TooLargeError(
            f"the video is {source.duration:.0f} s long: cut it to {limits.video_seconds:.0f} s or less"
        )
    return Upload(suffix, source.duration, size, source.audio is not None)


def suffix_of(path: Path) -> str:
    """The suffix of a media file by its content.

    Raises:
        InputError: it is no media file of :data:`SUFFIXES`.
    """
    with path.open("rb") as file:
        if not file.read(SIGNATURE_BYTES):
            raise InputError("the file is empty (0 bytes): give a video")
    try:
        with open_container(path) as container:
            names = container.format.name.split(",")
    except InputError:
        raise InputError(f"the file is no readable video; give a complete one of {shown_formats()}") from None
    for name in names:
        if name in SUFFIXES:
            return SUFFIXES[name]
    raise InputError(f"the file is {names[0]}, not a video; give one of {shown_formats()}")


def shown_formats() -> str:
    """The formats that are taken, for an error."""
    return ", ".join(dict.fromkeys(suffix.removeprefix(".") for suffix in SUFFIXES.values()))


def shown_name(given: str | None) -> str:
    """The name of an upload for display: the last part of a path, on one line."""
    last = (given or "").replace("\\", "/").rpartition("/")[2]
    return one_line(last, NAME_LETTERS) or "video"


def check_free_space(folder: Path, more: int, limits: ServeLimits) -> None:
    """Check that a file fits on the disk.

    Args:
        folder: on the disk.
        more: bytes that will be written.
        limits: the space that is left free.

    Raises:
        OSError: it does not fit.
    """
    free = shutil.disk_usage(folder).free
    if free - more < limits.free_bytes:
        raise OSError(f"the disk of the server has {free / 2**30:.1f} GiB left")
