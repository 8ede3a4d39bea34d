"""``events.otio``: an OpenTimelineIO timeline with the source clip and a marker per event."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Any

from seac.export.edit_rate import EditRate
from seac.export.event_record import event_record
from seac.export.exporter import WithoutFrames
from seac.results.events import Event, events_of
from seac.results.values import DecidedVideo

HUES = {"RED": 0, "ORANGE": 30, "YELLOW": 60, "GREEN": 120, "CYAN": 180, "BLUE": 240, "MAGENTA": 300}
"""OpenTimelineIO's marker colours, by hue in degrees."""
OFF_SCREEN = "WHITE"


def marker_colour(colour: tuple[int, int, int]) -> str:
    """The marker colour of the hue nearest to that of red, green, blue from 0 to 255."""
    hue = 360 * colorsys.rgb_to_hsv(*colour)[0]
    return min(HUES, key=lambda name: abs((HUES[name] - hue + 180) % 360 - 180))


def event_colours(video: DecidedVideo) -> dict[int | None, str]:
    """Marker colour of each track; None is off-screen audio."""
    return {None: OFF_SCREEN} | {track.id: marker_colour(track.colour) for track in video.tracks}


class Otio(WithoutFrames):
    """Writes ``events.otio``; frames are counted at the rate of the source, see :class:`EditRate`."""

    files = ("events.otio",)

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._path, self._video = folder / "events.otio", video
        self._rate = EditRate.exact(video.info)

    def close(self) -> None:
        """Write the timeline."""
        import opentimelineio as otio  # imported late: only this format needs it

        info = self._video.info
        timeline = otio.schema.Timeline(name=Path(info.source).name)
        picture = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
        picture.append(self._clip(otio, info.source))
        timeline.tracks.append(picture)
        if info.audio:
            audio = otio.schema.Track(name="A1", kind=otio.schema.TrackKind.Audio)
            audio.append(self._clip(otio, info.audio))
            timeline.tracks.append(audio)
        colours = event_colours(self._video)
        for event in events_of(self._video):
            picture[0].markers.append(self._marker(otio, event, colours[event.track]))
        otio.adapters.write_to_file(timeline, str(self._path))

    def _clip(self, otio: Any, source: str) -> Any:
        """The whole of a media file."""
        length = max(1, self._rate.frame(self._video.info.duration))
        available = self._range(otio, 0, length)
        path = Path(source)
        target = path.as_uri() if path.is_absolute() else source  # a stream has an address of its own
        reference = otio.schema.ExternalReference(target, available)
        return otio.schema.Clip(path.name, media_reference=reference, source_range=available)

    def _marker(self, otio: Any, event: Event, colour: str) -> Any:
        start = self._rate.frame(event.start)
        length = max(1, self._rate.frame(event.stop) - start)
        return otio.schema.Marker(
            name=event.text,
            marked_range=self._range(otio, start, length),
            color=colour,
            metadata={"seac": event_record(event).model_dump(exclude={"phrase"})},
        )

    def _range(self, otio: Any, start: int, length: int) -> Any:
        rate = self._rate.rate
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(length, rate)
        )
