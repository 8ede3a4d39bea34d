"""``events.json``: who sounds when, in a versioned schema.

The models below define the schema; ``python -m seac.export.event_record`` prints it as JSON Schema.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from seac._version import __version__
from seac.export.exporter import WithoutFrames
from seac.export.record import Strict
from seac.results.events import Event, events_of
from seac.results.values import DecidedVideo

VERSION: Literal[1] = 1


class EventRecord(Strict):
    """One event."""

    start: float = Field(description="seconds")
    stop: float = Field(description="seconds, exclusive")
    track: int | None = Field(description="number of the track; null where the source is off-screen")
    name: str = Field(description="name of the track; class of the audio where the source is off-screen")
    phrase: str = Field(description='what it does, as "dog barking"')
    off_screen: bool = Field(description="whether nothing in the frame is the source")
    level: float = Field(description="greatest level of all audio during the event, in dBFS")
    probability: float = Field(description="greatest probability of the event, in [0, 1]")


class EventsRecord(Strict):
    """The content of ``events.json``."""

    version: Literal[1]
    seac: str = Field(description="version of the program")
    source: str = Field(description="name of the video or image file")
    audio: str | None = Field(description="name of the file with the audio")
    duration: float = Field(description="seconds")
    events: tuple[EventRecord, ...] = Field(description="sorted by start, stop and track")


def event_record(event: Event) -> EventRecord:
    """Convert an event to its record; times are rounded to milliseconds."""
    return EventRecord(
        start=round(event.start, 3),
        stop=round(event.stop, 3),
        track=event.track,
        name=event.name,
        phrase=event.phrase,
        off_screen=event.off_screen,
        level=round(event.level, 1),
        probability=round(event.probability, 3),
    )


class EventRecordWriter(WithoutFrames):
    """Writes ``events.json``."""

    files = ("events.json",)

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._path, self._video = folder / "events.json", video

    def close(self) -> None:
        """Write the record."""
        info = self._video.info
        record = EventsRecord(
            version=VERSION,
            seac=__version__,
            source=Path(info.source).name,
            audio=Path(info.audio).name if info.audio else None,
            duration=round(info.duration, 3),
            events=tuple(event_record(event) for event in events_of(self._video)),
        )
        self._path.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(EventsRecord.model_json_schema(), indent=2))  # noqa: T201
