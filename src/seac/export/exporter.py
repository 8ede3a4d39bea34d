"""The protocol of exporters, which take the sounding masks of a decided video by frame, and their table."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol

from seac.core.registry import locate
from seac.results.values import DecidedVideo, FrameMasks


class Exporter(Protocol):
    """Writes one format; holds no more than a frame of pixels.

    Attributes:
        files: names or patterns of what it writes, as :func:`seac.core.ownership.check_names` takes them.
        images: whether it needs ``FrameMasks.image``.
        every_frame: whether it needs every frame of the source, not only key frames.
    """

    files: ClassVar[tuple[str, ...]]
    images: ClassVar[bool]
    every_frame: ClassVar[bool]

    def __init__(self, folder: Path, video: DecidedVideo) -> None: ...

    def add(self, frame: FrameMasks) -> None:
        """Take the next frame; frames without a sounding mask come too."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


# A new format is one file and one row: a class that is built with (folder, decided video).
EXPORTERS: dict[str, str] = {
    "overlay": "seac.export.overlay:Overlay",
}


def exporter_class(name: str) -> type[Exporter]:
    """The class of an exporter.

    Raises:
        InputError: no such format; the message lists the known ones and the nearest.
    """
    found: type[Exporter] = locate("format", name, EXPORTERS)
    return found
