"""``events.edl``: a CMX 3600 edit decision list of the whole source with a locator per event.

Locators are comments, ``* LOC: TIMECODE COLOUR TEXT``, in the record timecode, which begins at one hour. A
locator has no duration, so its text ends in the seconds of the event.
"""

from __future__ import annotations

from pathlib import Path

from seac.core.text import one_line
from seac.export.edit_rate import EditRate
from seac.export.exporter import WithoutFrames
from seac.export.otio import event_colours
from seac.results.events import Event, events_of
from seac.results.values import DecidedVideo

HOUR = 3600
COLOURS = {"ORANGE": "YELLOW"}
"""Locator colours for marker colours that locators lack."""


class Edl(WithoutFrames):
    """Writes ``events.edl``."""

    files = ("events.edl",)

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._path, self._video = folder / "events.edl", video
        self._rate = EditRate.nominal(video.info)
        # One hour on the timecode's own clock, which falls behind at 23.976 frames per second.
        counted = self._rate.rate if self._rate.drop else round(self._rate.rate)
        self._begin = round(HOUR * counted)

    def close(self) -> None:
        """Write the list."""
        colours = event_colours(self._video)
        lines = [
            *self._head(),
            *(self._locator(event, colours[event.track]) for event in events_of(self._video)),
        ]
        self._path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")

    def _head(self) -> list[str]:
        """Title, timecode mode and the edit of the whole source."""
        name = one_line(Path(self._video.info.source).name)
        length = max(1, self._rate.frame(self._video.info.duration))
        times = (0, length, self._begin, self._begin + length)
        channels = "B" if self._video.info.audio else "V"
        return [
            f"TITLE: {name}",
            f"FCM: {'DROP FRAME' if self._rate.drop else 'NON-DROP FRAME'}",
            "",
            f"001  AX       {channels:<5} C        {' '.join(map(self._rate.timecode, times))}",
            f"* FROM CLIP NAME: {name}",
        ]

    def _locator(self, event: Event, colour: str) -> str:
        start = self._rate.frame(event.start)
        text = f"{event.text} {event.stop - event.start:.1f} s"
        when = self._rate.timecode(self._begin + start)
        return f"* LOC: {when} {COLOURS.get(colour, colour):<7} {text}"
