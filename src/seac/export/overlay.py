"""``overlay.mp4``: the frames with their sounding masks, and the original audio."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

from seac.export.draw import Drawing, draw
from seac.export.instances import need_image
from seac.media.encode import VideoWriter
from seac.results.values import STEP, DecidedVideo, FrameMasks


class Overlay:
    """Draws every frame of a decided video and appends it to ``overlay.mp4``, at its own time."""

    files: ClassVar[tuple[str, ...]] = ("overlay.mp4",)
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = True

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._names = {track.id: f"{track.name} ({track.id})" for track in video.tracks}
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
        tracks = frame.tracks.tolist()
        step = int((frame.time + 1e-6) / STEP)
        drawing = Drawing(
            need_image(frame),
            frame.masks,
            [self._names[track] for track in tracks],
            [self._colours[track] for track in tracks],
            self._captions[step] if step < len(self._captions) else "",
        )
        self._writer.add(draw(drawing), frame.time, frame.duration)

    def close(self) -> None:
        """Finish the video."""
        self._writer.close()
