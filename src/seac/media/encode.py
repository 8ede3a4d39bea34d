"""Writer for mp4 files that browsers play (H.264 yuv420p and AAC), frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from seac.media.audio import decode_audio

AUDIO_RATE = 48_000
LIMIT = 1_000_000


class VideoWriter:
    """Encodes frames and an audio track into an mp4; the audio is decoded up to the time of the last frame.

    Args:
        path: the file to write.
        fps: frames per second.
        audio: a media file whose first audio track is muxed with the frames, or None.
        crf: constant rate factor of H.264, 0 to 51; a higher one gives smaller files of lower quality.
    """

    def __init__(self, path: Path, fps: float, audio: Path | None, *, crf: int = 20) -> None:
        self._crf = crf
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._rate = Fraction(fps).limit_denominator(LIMIT)
        self._video: VideoStream | None = None
        self._audio: AudioStream | None = None
        self._audio_path = audio
        self._chunks: Iterator[av.AudioFrame] = iter(())
        self._frames = 0
        self._samples = 0

    def add(self, image: NDArray[np.uint8]) -> None:
        """Append a frame, (H, W, 3) uint8 with even H and W; it is scaled to the size of the first frame."""
        if self._video is None:
            self._begin(image.shape[0], image.shape[1])
        assert self._video is not None
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        if (frame.height, frame.width) != (self._video.height, self._video.width):
            frame = frame.reformat(self._video.width, self._video.height)
        frame.pts, frame.time_base = self._frames, 1 / self._rate
        self._container.mux(self._video.encode(frame))
        self._frames += 1
        self._write_audio(float(self._frames / self._rate))

    def close(self) -> None:
        """Flush the encoders and finish the file; without frames no file is written."""
        if self._video is not None:
            self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))
        self._container.close()

    def _begin(self, height: int, width: int) -> None:
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(self._crf), "preset": "veryfast", "bf": "0"}
        stream.thread_type = "AUTO"
        self._video = stream
        if self._audio_path is not None:
            self._audio = self._container.add_stream("aac", rate=AUDIO_RATE, layout="stereo")
            self._chunks = decode_audio(self._audio_path, "stereo", AUDIO_RATE)

    def _write_audio(self, until: float) -> None:
        """Encode audio up to ``until`` seconds, so that video and audio packets are interleaved."""
        while self._audio is not None and self._samples < until * AUDIO_RATE:
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            chunk.pts, chunk.time_base = self._samples, Fraction(1, AUDIO_RATE)
            self._samples += chunk.samples
            self._container.mux(self._audio.encode(chunk))
