"""``events.csv``: who sounds when, a row an event."""

from __future__ import annotations

import csv
from pathlib import Path

from seac.export.exporter import WithoutFrames
from seac.results.events import events_of
from seac.results.values import DecidedVideo

COLUMNS = ("start", "stop", "track", "name", "phrase", "off_screen", "level", "probability")


class EventTable(WithoutFrames):
    """Writes ``events.csv``: UTF-8, lines and quotes as RFC 4180 has them.

    ``start`` and ``stop`` are seconds, ``level`` is dBFS, ``off_screen`` is 0 or 1; ``track`` is empty where
    the source is off-screen.
    """

    files = ("events.csv",)

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._path, self._events = folder / "events.csv", events_of(video)

    def close(self) -> None:
        """Write the table."""
        with self._path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for event in self._events:
                writer.writerow(
                    (
                        f"{event.start:.3f}",
                        f"{event.stop:.3f}",
                        "" if event.track is None else event.track,
                        event.name,
                        event.phrase,
                        int(event.off_screen),
                        f"{event.level:.1f}",
                        f"{event.probability:.3f}",
                    )
                )
