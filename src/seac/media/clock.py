"""One clock for all streams of a file: resets and leaps of its timestamps are closed.

Recordings that were joined (``cat a.ts b.ts``, dashcams, DVRs, DVDs) begin to count anew in the middle, or
go on from another time. Each run of timestamps that belong together is an epoch with a shift of its own;
all streams use the same epochs, so that audio and video stay together.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol, cast

import av
from av.format import Flags

RESET = 1.0
"""Seconds: timestamps that go back by more count anew, by less one timestamp is bad."""
MAX_GAP = 3600
"""Most seconds between two timestamps; a larger step is an error of the file and is closed."""
DISCONTINUOUS_RESET, DISCONTINUOUS_GAP = 0.1, 10.0
"""The same for formats whose timestamps may be discontinuous (MPEG-TS, MPEG-PS, Ogg), as in ffmpeg."""
SURE = 1.0
"""Seconds of a step within which the epoch of the packet before is not doubted."""
MAX_EPOCHS = 64
"""Most epochs that are remembered, so that memory stays bounded."""


class Stamped(Protocol):
    """What the clock needs of a packet; times are in units of ``time_base``."""

    stream_index: int
    pts: int | None
    dts: int | None

    @property
    def duration(self) -> int | None:
        """Length."""
        ...

    @property
    def time_base(self) -> Fraction | None:
        """Seconds of a unit."""
        ...


class Clock:
    """Corrects the timestamps of packets in the order of the file.

    A packet that goes back, or that lies far beyond all that was read, belongs to an epoch that goes on where
    the file was. Pauses of one stream while another goes on are kept.

    Args:
        discontinuous: whether the format allows timestamps to be discontinuous.
        origin: timestamp of the beginning of the file in seconds.
    """

    def __init__(self, origin: Fraction = Fraction(0), *, discontinuous: bool = False) -> None:
        self.origin = origin
        self._origin = float(origin)
        self._units: dict[int, float] = {}
        self.end = 0.0
        """Seconds from the beginning to the end of the latest packet."""
        self.jumps = 0
        """Number of resets and leaps."""
        self.discontinuous = discontinuous
        self._reset = DISCONTINUOUS_RESET if discontinuous else RESET
        self._gap = DISCONTINUOUS_GAP if discontinuous else MAX_GAP
        self._shifts = [0.0]
        self._shift: dict[int, float] = {}
        self._expected: dict[int, float] = {}
        self._step: dict[int, float] = {}
        self._decoded: set[int] = set()

    @classmethod
    def of(cls, container: av.container.InputContainer) -> Clock:
        """The clock of a file that was opened."""
        flags = int(container.format.flags)
        may_jump = cast("int", Flags.ts_discont.value)
        return cls(clock_origin(container), discontinuous=bool(flags & may_jump))

    def correct(self, packet: Stamped) -> None:
        """Shift the timestamps of a packet to the clock of the whole file; packets without any are kept."""
        stamp = packet.dts if packet.dts is not None else packet.pts
        stream = packet.stream_index
        unit = self._units.get(stream)
        if unit is None:  # the unit of a stream never changes, and asking for it is slow
            unit = self._units[stream] = float(packet.time_base or 0)
        if stamp is None or not unit:
            return
        raw = stamp * unit
        if packet.dts is not None and stream not in self._decoded:
            # Until then times were those of presentation, which go back in decoding order.
            self._decoded.add(stream)
            self._expected.pop(stream, None)
        shift = self._find_shift(stream, raw)
        if shift:
            moved = round(shift / unit)
            packet.pts = None if packet.pts is None else packet.pts + moved
            packet.dts = None if packet.dts is None else packet.dts + moved
        time = raw + shift
        duration = packet.duration
        if duration:
            length = self._step[stream] = duration * unit
        else:
            length = self._step.get(stream, 0.0)
        self._shift[stream], self._expected[stream] = shift, time + length
        shown = packet.pts * unit if packet.pts is not None else time
        self.end = max(self.end, shown + length - self._origin)

    def _find_shift(self, stream: int, raw: float) -> float:
        """Seconds to add to a timestamp: those of its epoch, or of a new one."""
        shift, expected = self._shift.get(stream, self._shifts[-1]), self._expected.get(stream)
        if expected is None or abs(raw + shift - expected) <= min(SURE, self._reset):
            return shift
        now = max(self._expected.values())
        fits = [each for each in self._shifts if self._fits(raw + each, expected, now)]
        if shift in fits and (len(fits) == 1 or abs(raw + shift - expected) <= SURE):
            return shift
        if fits:
            return min(fits, key=lambda each: abs(raw + each - expected))
        self.jumps += 1
        self._shifts = [*self._shifts[-MAX_EPOCHS + 1 :], now - raw]
        return self._shifts[-1]

    def _fits(self, time: float, expected: float, now: float) -> bool:
        """Whether a packet at this time goes on from what was read."""
        return time >= expected - self._reset and time <= now + self._gap


def clock_origin(container: av.container.InputContainer) -> Fraction:
    """Timestamp in seconds of the beginning of a file; times of frames and audio are relative to it.

    The start of the container is used. Without it, the earliest start of a stream is used.
    """
    if container.start_time is not None:
        return Fraction(container.start_time, av.time_base)
    begun = (stream for stream in container.streams if None not in (stream.start_time, stream.time_base))
    return min((stream.start_time * stream.time_base for stream in begun), default=Fraction(0))
