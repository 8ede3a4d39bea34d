"""``overlay.mp4``: the frames with what sounds in them, under the original sound."""

from __future__ import annotations

from pathlib import Path

from seac.core.result import Result
from seac.export.draw import draw
from seac.export.writer import Clip
from seac.media.encode import VideoWriter


class Overlay:
    """Draws each result and appends it to the film."""

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._writer = VideoWriter(folder / "overlay.mp4", clip.fps, clip.sound)

    def add(self, result: Result) -> None:
        """Append a frame."""
        self._writer.add(draw(result))

    def close(self) -> None:
        """Finish the film."""
        self._writer.close()
