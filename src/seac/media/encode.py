"""Writer for mp4 files that browsers play (H.264 yuv420p and AAC), frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from seac.media.container import media_url
from seac.media.soundtrack import Soundtrack, open_soundtrack

LIMIT = 1_000_000
CLOCK = Fraction(1, 90_000)
"""Time base of frames with times of their own; all common frame rates but 24000/1001 are exact in it."""
BT709 = 1
"""Code of BT.709 for primaries, transfer and matrix (ITU-T H.273)."""


class VideoWriter:
    """Encodes frames and an audio track into an mp4.

    Frames follow one another at ``fps``, or each has a time of its own. AAC of an mp4 is copied packet by
    packet; other audio is encoded. The audio is kept to its end, also beyond the last frame.

    Args:
        path: the file to write.
        fps: frames per second; of frames with times of their own the mean, as a hint.
        audio: a media file whose first audio track is muxed with the frames, or None.
        crf: constant rate factor of H.264, 0 to 51; a higher one gives smaller files of lower quality.
        audio_stop: seconds of audio that are kept.
    """

    def __init__(
        self, path: Path, fps: float, audio: Path | None, *, crf: int = 20, audio_stop: float = math.inf
    ) -> None:
        self._crf = crf
        self._container = av.open(media_url(path), "w", format="mp4", options={"movflags": "faststart"})
        self._rate = Fraction(fps).limit_denominator(LIMIT)
        self._video: VideoStream | None = None
        self._audio_path, self._audio_stop = audio, audio_stop
        self._soundtrack: Soundtrack | None = None
        self._scaler = VideoReformatter()
        self._last = -1
        self._lengths: dict[int, int] = {}  # of frames in the encoder, by timestamp

    def add(self, image: NDArray[np.uint8], time: float | None = None, duration: float | None = None) -> None:
        """Append a frame.

        Args:
            image: (H, W, 3) uint8 RGB with even H and W; it is scaled to the size of the first frame.
            time: seconds of its presentation, later than that of the frame before; all frames have one or
                none has.
            duration: seconds of its presentation; that of the last frame ends the video.

        Raises:
            InputError: the audio cannot be read.
        """
        if self._video is None:
            self._begin(image.shape[0], image.shape[1], 1 / self._rate if time is None else CLOCK)
        assert self._video is not None
        clock = self._video.codec_context.time_base
        frame = self._to_yuv(image)
        following = self._last + 1
        frame.pts = following if time is None else max(following, round(time / clock))
        frame.time_base = clock
        length = max(1, round((1 / self._rate if duration is None else duration) / clock))
        self._lengths[frame.pts] = length
        self._mux(self._video.encode(frame))
        self._last = frame.pts
        if self._soundtrack is not None:
            self._soundtrack.write(float((frame.pts + length) * clock))

    def close(self) -> None:
        """Write the rest of the audio and finish the file; without frames no file is written."""
        try:
            if self._video is not None:
                self._mux(self._video.encode(None))
            if self._soundtrack is not None:
                self._soundtrack.close()
        finally:
            self._container.close()

    def _begin(self, height: int, width: int, clock: Fraction) -> None:
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(self._crf), "preset": "veryfast", "bf": "0"}
        stream.thread_type = "AUTO"
        context = stream.codec_context
        context.time_base = clock
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = ColorRange.MPEG
        self._video = stream
        if self._audio_path is not None:
            self._soundtrack = open_soundtrack(self._container, self._audio_path, self._audio_stop)

    def _mux(self, packets: Iterable[av.Packet]) -> None:
        """Write packets with the duration of their frame, which the encoder does not pass on."""
        for packet in packets:
            packet.duration = self._lengths.pop(packet.pts)
            self._container.mux(packet)

    def _to_yuv(self, image: NDArray[np.uint8]) -> av.VideoFrame:
        """The frame at the size of the video, in the colours that its stream names."""
        assert self._video is not None
        return self._scaler.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"),
            self._video.width,
            self._video.height,
            "yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            dst_color_trc=ColorTrc.BT709,
            dst_color_primaries=ColorPrimaries.BT709,
            threads=1,
        )
