"""``overlay.mp4``: the frames with their sounding masks, and the original audio."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

from seac.core.result import FrameResult
from seac.export.draw import Drawing, draw, draw_result
from seac.export.writer import Clip
from seac.media.encode import VideoWriter
from seac.results.values import STEP, DecidedVideo, FrameMasks


class Overlay:
    """Draws every frame of a decided video and appends it to ``overlay.mp4``, at its own time."""

    files: ClassVar[tuple[str, ...]] = ("overlay.mp4",)
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = True

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._names = {track.id: track.name for track in video.tracks}
        self._colours = {track.id: track.colour for track in video.tracks}
        self._captions = video.captions
        info = video.info
        audio = Path(info.audio) if info.audio is not None else None
        # Of a file of its own the audio may be longer than the video: it ends with the video.
        stop = math.inf if info.audio == info.source else info.duration or math.inf
        self._writer = VideoWriter(
            folder / "overlay.mp4", info.frame_rate or 1 / STEP, audio, audio_stop=stop
        )

    def add(self, frame: FrameMasks) -> None:
        """Append a frame."""
        assert frame.image is not None
        tracks = frame.tracks.tolist()
        step = int((frame.time + 1e-6) / STEP)
        drawing = Drawing(
            frame.image,
            frame.masks,
            [self._names[track] for track in tracks],
            [self._colours[track] for track in tracks],
            self._captions[step] if step < len(self._captions) else "",
        )
        self._writer.add(draw(drawing), frame.time, frame.duration)

    def close(self) -> None:
        """Finish the video."""
        self._writer.close()


class ResultOverlay:
    """Draws each result of a clip and appends it to ``overlay.mp4``, at the rate of the results."""

    files = ("overlay.mp4",)

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._writer = VideoWriter(folder / "overlay.mp4", clip.fps, clip.audio)

    def add(self, result: FrameResult) -> None:
        """Append a frame."""
        self._writer.add(draw_result(result))

    def close(self) -> None:
        """Finish the video."""
        self._writer.close()
