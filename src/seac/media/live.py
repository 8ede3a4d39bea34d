"""Streams that can be read only once: pipes, devices, addresses on a network.

Video and audio come from one demuxer. What one of them reads ahead is kept for the other, and the packets can
be copied to a file for later passes.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import av
from av.error import FFmpegError, InvalidDataError
from torch import Tensor

from seac.core.errors import InputError
from seac.media.audio import align_to_clock
from seac.media.clock import Clock
from seac.media.container import LENIENT, audio_stream, media_url, video_stream
from seac.media.decode import AudioReader
from seac.media.pixels import pixel_aspect
from seac.media.presentation import TimedFrame, frame_rate, time_frames
from seac.media.sources import STANDARD_INPUT

OPENING, READING = 30.0, 30.0
"""Seconds until a stream must open, and until its next packet must come."""
PIPE = 5.0
"""Seconds until another program must write into a named pipe."""
DEVICE_FORMATS = {"linux": "v4l2"}
"""Platform to the format of its video devices."""


class LiveMedia:
    """A stream while it is read, for use in a ``with`` block.

    Args:
        address: "-" for standard input, a device, a named pipe, or an address that PyAV opens.
        sample_rate: of the waveforms that :meth:`read` gives, in Hz.
        record: Matroska file to which the packets are copied.

    Raises:
        InputError: it cannot be opened, or has no video.
    """

    def __init__(self, address: str, sample_rate: int, record: Path | None = None) -> None:
        self.address = address
        self._stack = ExitStack()
        self._container = self._stack.enter_context(_open(address))
        video, audio = video_stream(self._container), audio_stream(self._container)
        if video is None:
            self._stack.close()
            raise InputError(f"{address}: has no video; give a video, or an image and the audio as --audio")
        self._video, self.has_audio = video, audio is not None
        video.thread_type = "AUTO"
        self._streams = [video] if audio is None else [video, audio]
        self._copies: dict[int, Any] = {}
        self._output = None if record is None else self._open_copy(record)
        self._packets = self._container.demux(self._streams)
        self._decoded: dict[str, deque[Any]] = {"video": deque(), "audio": deque()}
        self._clock = Clock.of(self._container)
        self._origin = self._clock.origin
        self._offset: float | None = None
        aligned = align_to_clock(self._pull("audio"), self._origin, "mono", sample_rate)
        self._reader = AudioReader(aligned, sample_rate)

    def __enter__(self) -> LiveMedia:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the stream and the copy."""
        self._stack.close()

    def frames(self) -> Iterator[TimedFrame]:
        """Every frame of the stream.

        Raises:
            InputError: no frame could be decoded.
        """
        timed = time_frames(
            self._pull("video"),
            float(self._origin),
            frame_rate(self._video),
            aspect=pixel_aspect(self._video),
            until=lambda: self._clock.end,
        )
        given = False
        for frame in timed:
            given = True
            arrived = time.monotonic() - frame.time
            self._offset = arrived if self._offset is None else min(self._offset, arrived)
            yield frame
        if not given:
            raise InputError(f"{self.address}: no frame could be decoded; check the stream")

    def read(self, start: float, stop: float) -> Tensor:
        """The waveform from ``start`` to ``stop`` seconds, as of :class:`seac.media.decode.AudioReader`."""
        return self._reader.read(start, stop)

    def latency(self, seconds: float) -> float:
        """Seconds since the frame of this time arrived, at the pace at which the stream was fastest."""
        return 0.0 if self._offset is None else max(0.0, time.monotonic() - self._offset - seconds)

    def _open_copy(self, record: Path) -> av.container.OutputContainer:
        output = self._stack.enter_context(av.open(media_url(record), "w", format="matroska"))
        for stream in self._streams:
            self._copies[stream.index] = output.add_stream_from_template(stream)
        return output

    def _pull(self, kind: str) -> Iterator[Any]:
        """Decoded frames of the video or of the audio, until the end of the stream."""
        waiting = self._decoded[kind]
        while True:
            if waiting:
                yield waiting.popleft()
            elif not self._pump():
                return

    def _pump(self) -> bool:
        """Decode the next packet; False at the end of the stream, also where it breaks off."""
        try:
            packet = next(self._packets, None)
            if packet is None:
                return False
            if packet.size:
                self._clock.correct(packet)
            self._decoded[packet.stream.type].extend(packet.decode())
        except InvalidDataError:  # a damaged packet; the next one may be whole
            return True
        except FFmpegError:  # the stream broke off
            return False
        if self._output is not None and packet.size:
            packet.stream = self._copies[packet.stream.index]
            self._output.mux(packet)
        return True


def _open_pipe(path: Path) -> BinaryIO:
    """Open a named pipe for reading, once another program writes into it.

    Raises:
        InputError: none does.
    """
    # Without O_NONBLOCK the call itself would wait for ever.
    pipe = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    if not poll.poll(PIPE * 1000):
        pipe.close()
        raise InputError(
            f"{path}: is a pipe into which no program wrote for {PIPE:.0f} s; start its writer or give a file"
        )
    os.set_blocking(pipe.fileno(), True)
    return pipe


def _open(address: str) -> av.container.InputContainer:
    """Open a stream.

    Raises:
        InputError: it cannot be opened.
    """
    timeout = (OPENING, READING)
    try:
        if address == STANDARD_INPUT:
            return av.open(sys.stdin.buffer, **LENIENT)
        if Path(address).is_fifo():
            return av.open(_open_pipe(Path(address)), **LENIENT)
        if Path(address).is_char_device():
            return av.open(address, format=DEVICE_FORMATS.get(sys.platform), timeout=timeout, **LENIENT)
        return av.open(address, timeout=timeout, **LENIENT)
    except InputError:
        raise
    except (FFmpegError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(
            f"{address}: cannot be read as a stream ({reason}); give one of a format that needs no seeking, "
            "such as Matroska, WebM or MPEG-TS"
        ) from None
