"""Writer of video files with a time for each frame: alpha channels, lossless codecs, any audio codec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from seac.media.container import media_url
from seac.media.encode import BT709
from seac.media.soundtrack import EncodedAudioTrack

CLOCK = Fraction(1, 120_000)
"""Unit of times of frames: the usual rates, also 24000/1001 and 30000/1001, are whole numbers of it."""


@dataclass(frozen=True)
class FileFormat:
    """How a file is coded.

    Attributes:
        container: name of the container in FFmpeg.
        codec: name of the video encoder.
        pixels: pixel format of the encoder.
        array: pixel format of the arrays.
        options: options of the video encoder.
        metadata: tags of the video stream.
        audio: name of the audio encoder.
    """

    container: str
    codec: str
    pixels: str
    array: str
    options: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    audio: str = "libopus"


class TimedWriter:
    """Encodes frames at given times, and the audio up to the end of the last frame.

    Colours are converted to BT.709 with limited range and marked so; grey values are kept.

    Args:
        path: the file; it is created with the first frame.
        file_format: how it is coded.
        rate: mean frames per second, for the head of the file.
        audio: a media file whose first audio track is written too, or None.
    """

    def __init__(self, path: Path, file_format: FileFormat, rate: float, audio: Path | None = None) -> None:
        self._path = path
        self._format = file_format
        self._rate = Fraction(rate if rate > 0 else 1).limit_denominator(1_001)
        self._audio_path = audio
        self._container: OutputContainer | None = None
        self._video: VideoStream | None = None
        self._audio: EncodedAudioTrack | None = None
        self._last = -1

    def add(self, image: NDArray[np.generic], time: float, duration: float) -> None:
        """Append a frame of the size of the first one.

        Args:
            image: (H, W) or (H, W, C), as ``FileFormat.array`` says.
            time: seconds of its presentation, above that of the frame before.
            duration: seconds.
        """
        if self._container is None:
            self._begin(image.shape[0], image.shape[1])
        assert self._container is not None
        assert self._video is not None
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=self._format.array)
        if self._format.pixels.startswith("yuv"):
            frame = frame.reformat(
                format=self._format.pixels,
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                threads=1,  # with several, rows between two slices were sometimes not converted
            )
        self._last = max(self._last + 1, round(time / CLOCK))
        length = max(1, round(duration / CLOCK))
        frame.pts, frame.time_base, frame.duration = self._last, CLOCK, length
        self._container.mux(self._video.encode(frame))
        if self._audio is not None:
            self._audio.write(float((self._last + length) * CLOCK))

    def close(self) -> None:
        """Flush the encoders and finish the file."""
        if self._container is None:
            return
        assert self._video is not None
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._audio.flush()
        self._container.close()

    def _begin(self, height: int, width: int) -> None:
        # "bitexact" leaves out random identifiers and dates, so that equal frames make equal files.
        options = {"fflags": "bitexact"}
        self._container = av.open(media_url(self._path), "w", format=self._format.container, options=options)
        stream = self._container.add_stream(self._format.codec, rate=self._rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, self._format.pixels
        stream.options = dict(self._format.options)
        stream.metadata.update(self._format.metadata)
        stream.codec_context.time_base = CLOCK
        stream.thread_type = "AUTO"
        if self._format.pixels.startswith("yuv"):
            context = stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = ColorRange.MPEG
        self._video = stream
        if self._audio_path is not None:
            self._audio = EncodedAudioTrack(self._container, self._audio_path, math.inf, self._format.audio)
