"""``events.vtt``: WebVTT, a cue an event. Cues overlap where events do; players stack them."""

from __future__ import annotations

from pathlib import Path

from seac.export.cues import clock_time, event_cues
from seac.export.exporter import WithoutFrames
from seac.results.events import events_of
from seac.results.values import DecidedVideo

ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""WebVTT's own escapes; they also keep ``-->`` out of the text."""


class Vtt(WithoutFrames):
    """Writes ``events.vtt``."""

    files = ("events.vtt",)

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._path, self._cues = folder / "events.vtt", event_cues(events_of(video))

    def close(self) -> None:
        """Write the cues."""
        with self._path.open("w", encoding="utf-8", newline="\n") as file:
            file.write("WEBVTT\n")
            for number, cue in enumerate(self._cues, 1):
                text = "\n".join(cue.lines).translate(ESCAPES)
                times = f"{clock_time(cue.start, '.')} --> {clock_time(cue.stop, '.')}"
                file.write(f"\n{number}\n{times}\n{text}\n")
