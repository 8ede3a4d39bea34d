"""What takes a clip's results one by one and writes a file, and the table of those there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from seac.core.errors import InputError
from seac.core.result import FrameResult


@dataclass(frozen=True)
class Clip:
    """What is being segmented, as a sink needs to know it.

    Attributes:
        source: the video, or the image.
        audio: the file whose sound is heard, or None.
        fps: results per second.
        settings: everything that decided the answer, as plain values.
    """

    source: Path
    audio: Path | None
    fps: float
    settings: dict[str, Any]


class Writer(Protocol):
    """Writes one kind of file for a clip; holds no more than a frame of it."""

    def add(self, result: FrameResult) -> None:
        """Take the next frame's result."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


# A new export is a row here (and in FILES), and a file: a function of folder and clip that gives a Sink.
WRITERS: dict[str, str] = {
    "overlay": "seac.export.overlay:Overlay",
    "masks": "seac.export.mask_images:MaskImages",
    "json": "seac.export.record:RecordWriter",
    "timeline": "seac.export.timeline:Timeline",
    "sheet": "seac.export.sheet:Sheet",
}
FILES: dict[str, tuple[str, ...]] = {
    "overlay": ("overlay.mp4",),
    "masks": ("masks/[0-9][0-9][0-9][0-9][0-9][0-9]*.png",),
    "json": ("result.json",),
    "timeline": ("timeline.png",),
    "sheet": ("sheet.png",),
}
"""What an export writes into its folder, as :func:`seac.core.ownership.check_names` takes it.

Files of others under the names of an export without a row are refused only once the work is done.
"""


def writer_class(name: str) -> Callable[[Path, Clip], Writer]:
    """The builder of a sink.

    Raises:
        InputError: no such export.
    """
    if name not in WRITERS:
        raise InputError(f"unknown export {name!r}: choose from {', '.join(WRITERS)}")
    module, member = WRITERS[name].split(":")
    built: Callable[[Path, Clip], Writer] = getattr(import_module(module), member)
    return built
