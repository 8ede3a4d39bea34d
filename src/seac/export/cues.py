"""Cues of subtitles: text from one time to another, in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from seac.results.events import Event


@dataclass(frozen=True)
class Cue:
    """Lines that are shown from ``start`` to ``stop`` (exclusive), in milliseconds."""

    start: int
    stop: int
    lines: tuple[str, ...]


def event_cues(events: Sequence[Event]) -> list[Cue]:
    """A cue per event; cues overlap where events do. A cue lasts at least a millisecond."""
    found = []
    for event in events:
        start = round(event.start * 1000)
        found.append(Cue(start, max(start + 1, round(event.stop * 1000)), (event.text,)))
    return found


def split_cues(cues: Sequence[Cue]) -> list[Cue]:
    """Cues that do not overlap: a cue per stretch in which the same lines are shown, each line once.

    Args:
        cues: cues that may overlap, sorted by start.
    """
    times = sorted({time for cue in cues for time in (cue.start, cue.stop)})
    found: list[Cue] = []
    shown: list[Cue] = []
    arriving = iter(cues)
    following = next(arriving, None)
    for start, stop in pairwise(times):
        shown = [cue for cue in shown if cue.stop > start]
        while following is not None and following.start <= start:
            shown.append(following)
            following = next(arriving, None)
        lines = tuple(dict.fromkeys(line for cue in shown for line in cue.lines))
        if found and found[-1].stop == start and found[-1].lines == lines:
            found[-1] = Cue(found[-1].start, stop, lines)
        elif lines:
            found.append(Cue(start, stop, lines))
    return found


def clock_time(milliseconds: int, separator: str) -> str:
    """``01:02:03.004`` of a time; hours have two digits or more.

    Args:
        milliseconds: time, at least 0.
        separator: between seconds and milliseconds.
    """
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{rest:03d}"
