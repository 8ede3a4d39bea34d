"""``events.srt``: SubRip. Players show one cue at a time, so events that overlap are lines of one cue."""

from __future__ import annotations

from pathlib import Path

from seac.export.cues import clock_time, event_cues, split_cues
from seac.export.exporter import WithoutFrames
from seac.results.events import events_of
from seac.results.values import DecidedVideo

LOOKALIKES = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})
"""SubRip has no escapes, and players take these characters for markup."""


class SubRip(WithoutFrames):
    """Writes ``events.srt``."""

    files = ("events.srt",)

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._path, self._cues = folder / "events.srt", split_cues(event_cues(events_of(video)))

    def close(self) -> None:
        """Write the cues."""
        with self._path.open("w", encoding="utf-8", newline="\n") as file:
            for number, cue in enumerate(self._cues, 1):
                text = "\n".join(cue.lines).translate(LOOKALIKES)
                times = f"{clock_time(cue.start, ',')} --> {clock_time(cue.stop, ',')}"
                file.write(f"{number}\n{times}\n{text}\n\n")
