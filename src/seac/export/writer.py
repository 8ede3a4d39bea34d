"""The protocol of writers, which take the results of a clip one by one, and the table of writers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seac.core.registry import locate

if TYPE_CHECKING:
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


# A new export is one file and one row: a class that is built with (folder, clip).
WRITERS: dict[str, str] = {
    "overlay": "seac.export.overlay:ResultOverlay",
    "masks": "seac.export.mask_images:MaskImages",
    "json": "seac.export.record:RecordWriter",
    "timeline": "seac.export.timeline:Timeline",
    "sheet": "seac.export.sheet:Sheet",
}


def writer_class(name: str) -> type[Writer]:
    """The class of a writer.

    Raises:
        InputError: no such export, or one of another package that cannot be imported.
    """
    found: type[Writer] = locate("export", name, WRITERS)
    return found


def files_of(name: str) -> tuple[str, ...]:
    """What an export writes into its folder, as :func:`seac.core.ownership.check_names` takes it.

    Files of others under the names of an export that does not say are refused only once the work is done.

    Raises:
        InputError: as :func:`writer_class`.
    """
    return tuple(getattr(writer_class(name), "files", ()))
