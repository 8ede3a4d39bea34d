"""``cutout.webm``, ``cutout.mov`` and ``cutouts/``: what sounds, cut out with an alpha channel."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation

from seac.export.about import About
from seac.export.instances import FrameNumbers, need_image
from seac.media.timed_writer import FileFormat, TimedWriter
from seac.media.wav import Excerpt, write_excerpts
from seac.results.values import DecidedVideo, FrameMasks

MARGIN = 2
"""Pixels around a mask that keep their colour, so that subsampled chroma does not darken its edge."""

VP9 = FileFormat(
    "webm",
    "libvpx-vp9",
    "yuva420p",
    "rgba",
    # Alternate reference frames are not possible with an alpha channel.
    {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1", "auto-alt-ref": "0"},
    {"alpha_mode": "1"},
    "libopus",
)
PRORES = FileFormat(
    "mov",
    "prores_ks",
    "yuva444p10le",
    "rgba",
    {"profile": "4444", "vendor": "apl0", "alpha_bits": "16"},
    {},
    "pcm_s16le",
)


def cut_out(frame: FrameMasks) -> NDArray[np.uint8]:
    """(H, W, 4) uint8 RGBA with straight alpha: 255 in the masks, 0 elsewhere, black from a margin on."""
    mask = frame.masks.any(axis=0)
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    if mask.any():
        kept = binary_dilation(mask, iterations=MARGIN)
        pixels[kept, :3] = need_image(frame)[kept]
        pixels[mask, 3] = 255
    return pixels


class _AlphaVideo:
    """A video file with an alpha channel; subclasses say which."""

    files: ClassVar[tuple[str, ...]]
    file_format: ClassVar[FileFormat]
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = True

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        audio = None if video.info.audio is None else Path(video.info.audio)
        self._writer = TimedWriter(folder / self.files[0], self.file_format, video.info.frame_rate, audio)

    def add(self, frame: FrameMasks) -> None:
        """Append a frame."""
        self._writer.add(cut_out(frame), frame.time, frame.duration)

    def close(self) -> None:
        """Finish the video; without frames there is none."""
        self._writer.close()


class AlphaWebm(_AlphaVideo):
    """``cutout.webm``: VP9 with alpha (yuva420p) and Opus."""

    file_format = VP9
    files: ClassVar[tuple[str, ...]] = ("cutout.webm",)
    about: ClassVar[About] = About(
        opens="browsers (`<video>`), FFmpeg with libvpx-vp9, OBS",
        numbers="times of the source, to 1 ms",
        pixels="of `VideoInfo.size`",
        holes="kept",
    )


class AlphaProRes(_AlphaVideo):
    """``cutout.mov``: ProRes 4444 with alpha (16 bit) and PCM."""

    file_format = PRORES
    files: ClassVar[tuple[str, ...]] = ("cutout.mov",)
    about: ClassVar[About] = About(
        opens="Final Cut Pro, Premiere Pro, DaVinci Resolve, After Effects, FFmpeg",
        numbers="times of the source",
        pixels="of `VideoInfo.size`",
        holes="kept",
    )


class AlphaImages:
    """``cutouts/``: a PNG for each frame of the source, ``frames.csv`` with their times, ``audio.wav``."""

    files: ClassVar[tuple[str, ...]] = ("cutouts/*",)
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = True
    about: ClassVar[About] = About(
        opens="any program for image sequences",
        numbers="file names from 0; times in `frames.csv`",
        pixels="of `VideoInfo.size`",
        holes="kept",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._folder = folder / "cutouts"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._audio = video.info.audio
        self._numbers = FrameNumbers(video.info)
        self._table = (self._folder / "frames.csv").open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._table)
        self._rows.writerow(("file", "frame", "time", "duration"))

    def add(self, frame: FrameMasks) -> None:
        """Write the PNG of a frame."""
        file = f"{self._numbers.next(frame):06d}.png"
        Image.fromarray(cut_out(frame)).save(self._folder / file, compress_level=3)
        self._rows.writerow((file, frame.index, f"{frame.time:.6f}", f"{frame.duration:.6f}"))

    def close(self) -> None:
        """Write the audio."""
        self._table.close()
        if self._audio is not None:
            write_excerpts(Path(self._audio), [Excerpt(self._folder / "audio.wav", 0.0, math.inf)])
