"""The protocol of writers, which take the results of a clip one by one, and the table of writers."""

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
    """The clip that is segmented, as writers need it.

    Attributes:
        source: the video or image file.
        audio: the audio file, or None.
        fps: results per second.
        settings: all settings of the run, as JSON values.
    """

    source: Path
    audio: Path | None
    fps: float
    settings: dict[str, Any]


class Writer(Protocol):
    """Writes one export of a clip, frame by frame."""

    def add(self, result: FrameResult) -> None:
        """Write the result of the next frame."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


# A new export is a row here and in FILES, and a module: a function of folder and clip that returns a Writer.
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
"""Names that an export writes, for :func:`seac.core.ownership.check_names`.

For an export without a row, existing files of other origin are detected only at the end of the run.
"""


def writer_class(name: str) -> Callable[[Path, Clip], Writer]:
    """The class of a writer.

    Raises:
        InputError: unknown export.
    """
    if name not in WRITERS:
        raise InputError(f"unknown export {name!r}: choose from {', '.join(WRITERS)}")
    module, member = WRITERS[name].split(":")
    writer: Callable[[Path, Clip], Writer] = getattr(import_module(module), member)
    return writer
