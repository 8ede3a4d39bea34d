"""The protocol of writers, which take the results of the networks one by one, and the table of writers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from seac.core.result import FrameResult


@dataclass(frozen=True)
class Clip:
    """The clip that is segmented, as writers need it.

    Attributes:
        source: the video or image file.
        audio: the audio file, or None.
        fps: results per second; 0 for a rate that follows the image.
        settings: all settings of the run, as JSON values.
    """

    source: Path
    audio: Path | None
    fps: float
    settings: dict[str, Any]


class Writer(Protocol):
    """Writes one kind of file for a clip; holds no more than a frame of it.

    A class may say in ``files`` which names it writes.
    """

    def __init__(self, folder: Path, clip: Clip) -> None: ...

    def add(self, result: FrameResult) -> None:
        """Write the result of the next frame."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


# A new export of the networks' results is one file and one row: a class that is built with (folder, clip).
# Exports of the decision are rows of :data:`seac.export.exporter.EXPORTERS`.
WRITERS: dict[str, str] = {
    "json": "seac.export.record:RecordWriter",
    "sheet": "seac.export.sheet:Sheet",
}
