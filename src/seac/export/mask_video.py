"""``masks.mkv``: a lossless video whose grey value is the sounding track, and ``masks.csv`` with its name."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import ClassVar

import numpy as np

from seac.export.about import About
from seac.export.instances import paint_numbers
from seac.media.timed_writer import FileFormat, TimedWriter
from seac.results.values import DecidedVideo, FrameMasks

EIGHT_BIT = FileFormat("matroska", "ffv1", "gray", "gray", {"level": "3", "g": "1"})
SIXTEEN_BIT = FileFormat("matroska", "ffv1", "gray16le", "gray16le", {"level": "3", "g": "1"})


class MaskVideo:
    """Writes FFV1 with one grey value a track, in order of the tracks from 1; 0 is the background.

    Of overlapping masks the likeliest is on top. With more than 255 tracks the values have 16 bits.
    ``masks.csv`` lists value, track, name and colour.
    """

    files: ClassVar[tuple[str, ...]] = ("masks.mkv", "masks.csv")
    images: ClassVar[bool] = False
    every_frame: ClassVar[bool] = True
    about: ClassVar[About] = About(
        opens="FFmpeg, PyAV, OpenCV, VLC",
        numbers="times of the source, to 1 ms",
        pixels="of `VideoInfo.size`",
        holes="kept; the likeliest track of a pixel",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._values = {track.id: value for value, track in enumerate(video.tracks, 1)}
        self._type: type[np.unsignedinteger] = np.uint8 if len(self._values) < 256 else np.uint16
        file_format = EIGHT_BIT if self._type is np.uint8 else SIXTEEN_BIT
        self._writer = TimedWriter(folder / "masks.mkv", file_format, video.info.frame_rate)
        with (folder / "masks.csv").open("w", newline="", encoding="utf-8", errors="replace") as file:
            rows = csv.writer(file)
            rows.writerow(("value", "track", "name", "red", "green", "blue"))
            for track in video.tracks:
                rows.writerow((self._values[track.id], track.id, track.name, *track.colour))

    def add(self, frame: FrameMasks) -> None:
        """Append a frame."""
        self._writer.add(paint_numbers(frame, self._values).astype(self._type), frame.time, frame.duration)

    def close(self) -> None:
        """Finish the video; without frames there is none."""
        self._writer.close()
