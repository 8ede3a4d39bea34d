"""The audio track of a written video: packets of AAC are copied, other audio is encoded."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import av

from seac.core.errors import InputError
from seac.media.audio import JITTER, decode_audio
from seac.media.clock import Clock
from seac.media.container import audio_stream, open_container

AUDIO_RATE = 48_000
"""Sample rate of encoded audio in Hz."""


class Soundtrack(Protocol):
    """Writes audio into a container, alternating with the frames of the video."""

    def write(self, until: float) -> None:
        """Write audio up to ``until`` seconds."""
        ...

    def close(self) -> None:
        """Write the rest."""
        ...


def open_soundtrack(output: av.container.OutputContainer, path: Path, stop: float) -> Soundtrack:
    """The audio of ``path`` as a new stream of ``output``.

    Args:
        output: an mp4 to which nothing was written yet.
        path: a media file.
        stop: seconds of audio that are kept.

    Raises:
        InputError: not a media file, or without an audio track.
    """
    with ExitStack() as stack:
        source = stack.enter_context(open_container(path))
        stream = audio_stream(source)
        if stream is None:
            raise InputError(f"{path}: has no audio track; give an audio file with --audio FILE")
        if can_copy(source, stream):
            return CopiedAudio(output, source, stream, stop, stack.pop_all())
    return EncodedAudioTrack(output, path, stop)


def can_copy(source: av.container.InputContainer, stream: av.AudioStream) -> bool:
    """Whether packets of a stream play in an mp4 as they are: AAC of an mp4 file, without gaps.

    Browsers play packets one after another, so that audio after a gap would come too early.
    """
    if "mp4" not in source.format.name.split(",") or stream.codec_context.name != "aac":
        return False
    if not stream.codec_context.extradata or stream.time_base is None:
        return False
    stamps = [entry.timestamp for entry in stream.index_entries]
    frame = float(Fraction(stream.codec_context.frame_size or 1024, stream.codec_context.sample_rate))
    limit = (frame + JITTER) / float(stream.time_base)
    return all(0 < after - before < limit for before, after in pairwise(stamps))


class CopiedAudio:
    """Copies packets; :class:`Soundtrack`.

    Args:
        output: the file that is written.
        source: the file that is read.
        stream: its audio stream.
        stop: seconds of audio that are kept.
        stack: closes ``source``.
    """

    def __init__(
        self,
        output: av.container.OutputContainer,
        source: av.container.InputContainer,
        stream: av.AudioStream,
        stop: float,
        stack: ExitStack,
    ) -> None:
        self._output, self._stop, self._stack = output, stop, stack
        self._stream = output.add_stream_from_template(stream)
        self._clock = Fraction(stream.time_base)
        self._origin = round(Clock.of(source).origin / self._clock)
        self._packets = source.demux(stream)
        self._waiting = next(self._packets, None)

    def write(self, until: float) -> None:
        """Copy packets that begin before ``until`` seconds."""
        packet, limit = self._waiting, min(until, self._stop)
        while packet is not None and self._begins_before(packet, limit):
            if packet.size and packet.dts is not None:
                packet.pts, packet.dts = (packet.pts or packet.dts) - self._origin, packet.dts - self._origin
                packet.stream = self._stream
                self._output.mux(packet)
            packet = next(self._packets, None)
        self._waiting = packet

    def close(self) -> None:
        """Copy the rest and close the source."""
        with self._stack:
            self.write(self._stop)

    def _begins_before(self, packet: av.Packet, limit: float) -> bool:
        return packet.dts is None or float((packet.dts - self._origin) * self._clock) < limit


class EncodedAudioTrack:
    """Encodes audio in stereo; :class:`Soundtrack`. The audio is decoded as it is needed.

    Args:
        output: the file that is written.
        path: a media file with an audio track.
        stop: seconds of audio that are kept.
        codec: name of the encoder.
    """

    def __init__(
        self, output: av.container.OutputContainer, path: Path, stop: float, codec: str = "aac"
    ) -> None:
        self._output, self._stop = output, stop
        self._stream = output.add_stream(codec, rate=AUDIO_RATE, layout="stereo")
        self._chunks = decode_audio(path, "stereo", AUDIO_RATE)
        self._samples = 0

    def write(self, until: float) -> None:
        """Encode audio up to ``until`` seconds."""
        while self._samples < min(until, self._stop) * AUDIO_RATE:
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            chunk.pts, chunk.time_base = self._samples, Fraction(1, AUDIO_RATE)
            self._samples += chunk.samples
            self._output.mux(self._stream.encode(chunk))

    def close(self) -> None:
        """Encode the rest."""
        self.write(self._stop)
        self.flush()

    def flush(self) -> None:
        """Finish with what is written so far."""
        self._output.mux(self._stream.encode(None))
