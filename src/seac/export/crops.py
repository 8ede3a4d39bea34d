"""``crops/``: each time that a track sounds, as tight crops of its mask and the audio of that time."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from seac.export.about import About
from seac.export.instances import FrameNumbers, file_name, instances, mask_box, need_image
from seac.media.wav import Excerpt, write_excerpts
from seac.results.values import STEP, DecidedTrack, DecidedVideo, FrameMasks, Span

COLUMNS = (
    *("file", "track", "name", "span", "start", "stop", "frame", "time"),
    *("x", "y", "width", "height", "probability"),
)


@dataclass(frozen=True)
class _Sounding:
    """A span of a track and its folder."""

    track: DecidedTrack
    number: int
    span: Span
    folder: str

    def distance(self, time: float) -> float:
        """Seconds from a time to the span; 0 within it."""
        return max(self.span.start - time, time - self.span.stop, 0.0)


class Crops:
    """Writes ``crops/<track>_<name>/<span>/<number>.png``, ``audio.wav`` beside them, and ``crops.csv``.

    A crop is the box around the mask with the colours of all its pixels; its alpha channel is the mask. The
    audio is that of the span, in 48 kHz. ``crops.csv`` says where each crop was.
    """

    files: ClassVar[tuple[str, ...]] = ("crops/*",)
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = True
    about: ClassVar[About] = About(
        opens="any program for images and audio",
        numbers="file names from 0; times in `crops.csv`",
        pixels="of `VideoInfo.size`",
        holes="kept",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._folder = folder / "crops"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._video = video
        self._numbers = FrameNumbers(video.info)
        self._soundings = {track.id: list(_soundings(track)) for track in video.tracks}
        self._table = (self._folder / "crops.csv").open("w", newline="", encoding="utf-8", errors="replace")
        self._rows = csv.writer(self._table)
        self._rows.writerow(COLUMNS)

    def add(self, frame: FrameMasks) -> None:
        """Write the crops of a frame; a mask that is further than a step from a span is left out."""
        number = self._numbers.next(frame)
        for instance in instances(self._video, frame):
            soundings = self._soundings[instance.track]
            sounding = min(soundings, key=lambda found: found.distance(frame.time), default=None)
            if sounding is None or sounding.distance(frame.time) > STEP:
                continue
            x1, y1, x2, y2 = mask_box(instance.mask)
            alpha = instance.mask[y1:y2, x1:x2, None].astype(np.uint8) * 255
            crop = np.concatenate([need_image(frame)[y1:y2, x1:x2], alpha], axis=-1)
            file = f"{sounding.folder}/{number:06d}.png"
            (self._folder / sounding.folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(crop).save(self._folder / file, compress_level=3)
            span = (sounding.number, f"{sounding.span.start:.3f}", f"{sounding.span.stop:.3f}")
            self._rows.writerow(
                (
                    *(file, instance.track, instance.name, *span, frame.index, f"{frame.time:.6f}"),
                    *(x1, y1, x2 - x1, y2 - y1, f"{instance.probability:.4f}"),
                )
            )

    def close(self) -> None:
        """Write the audio of the spans."""
        self._table.close()
        if self._video.info.audio is None:
            return
        excerpts = []
        for sounding in (found for soundings in self._soundings.values() for found in soundings):
            (self._folder / sounding.folder).mkdir(parents=True, exist_ok=True)
            path = self._folder / sounding.folder / "audio.wav"
            excerpts.append(Excerpt(path, sounding.span.start, sounding.span.stop))
        if excerpts:
            write_excerpts(Path(self._video.info.audio), excerpts)


def _soundings(track: DecidedTrack) -> Iterator[_Sounding]:
    top = f"{track.id:04d}_{file_name(track.name, 'track')}"
    for number, span in enumerate(track.spans):
        yield _Sounding(track, number, span, f"{top}/{number:03d}")
