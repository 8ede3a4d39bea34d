"""``overlay.mp4``: the frames with their sounding masks, and the original audio."""

from __future__ import annotations

from pathlib import Path

from seac.core.result import FrameResult
from seac.export.draw import draw_result
from seac.export.writer import Clip
from seac.media.encode import VideoWriter


class Overlay:
    """Draws each result and appends it to the video."""

    files = ("overlay.mp4",)

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._writer = VideoWriter(folder / "overlay.mp4", clip.fps, clip.audio)

    def add(self, result: FrameResult) -> None:
        """Append a frame."""
        self._writer.add(draw_result(result))

    def close(self) -> None:
        """Finish the video."""
        self._writer.close()
