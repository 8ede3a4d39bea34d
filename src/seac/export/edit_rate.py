"""Frame rates of editing programs: the nominal rate of a source, its frame numbers and its timecode.

Timecode counts frames of a constant rate. A source of variable frame rate is conformed to one by editing
programs, and so it is here. At 29.97 and 59.94 frames per second timecode is drop-frame, which follows the
clock; at all other rates it is non-drop-frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from seac.results.values import VideoInfo

NOMINAL = (24_000 / 1001, 24.0, 25.0, 30_000 / 1001, 30.0, 48.0, 50.0, 60_000 / 1001, 60.0)
DROP = (30_000 / 1001, 60_000 / 1001)
TOLERANCE = 3e-4
"""Greatest relative distance of a mean rate from its nominal rate; 29.97 and 30 differ by 1e-3."""
STILL_RATE = 25.0
"""Frames per second given to a still image, and to a source without a known rate."""


@dataclass(frozen=True)
class EditRate:
    """A constant frame rate.

    Attributes:
        rate: frames per second.
        drop: whether its timecode is drop-frame.
    """

    rate: float
    drop: bool

    @classmethod
    def exact(cls, info: VideoInfo) -> EditRate:
        """The rate of a source: the nominal rate within :data:`TOLERANCE`, else the mean rate."""
        given = info.frame_rate if info.frame_rate > 0 and not info.still else STILL_RATE
        nominal = _nearest(given)
        rate = nominal if abs(nominal / given - 1) <= TOLERANCE else given
        return cls(rate, rate in DROP)

    @classmethod
    def nominal(cls, info: VideoInfo) -> EditRate:
        """A nominal rate for a source: its own, twice to four times its own (15 as 30), or the nearest."""
        given = cls.exact(info).rate
        multiples = (_nearest(given * times) for times in (1, 2, 3, 4))
        fits = [rate for times, rate in enumerate(multiples, 1) if abs(rate / given / times - 1) <= TOLERANCE]
        rate = fits[0] if fits else _nearest(given)
        return cls(rate, rate in DROP)

    def frame(self, seconds: float) -> int:
        """The number of the frame, from 0, that begins nearest to a time."""
        return round(seconds * self.rate)

    def timecode(self, frame: int) -> str:
        """``HH:MM:SS:FF`` of a frame number; ``HH:MM:SS;FF`` where it is drop-frame."""
        from opentimelineio import opentime  # imported late: only two formats need it

        found: str = opentime.to_timecode(opentime.RationalTime(frame, self.rate), self.rate, self.drop)
        return found


def _nearest(rate: float) -> float:
    return min(NOMINAL, key=lambda nominal: abs(nominal / rate - 1))
