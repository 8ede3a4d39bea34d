"""Events: who sounds when, one event per span of a track and per span of audio without a visible source."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from seac.core.text import one_line
from seac.results.phrases import sound_phrase
from seac.results.values import DecidedVideo, Span


@dataclass(frozen=True)
class Event:
    """A span of time in which something sounds.

    Attributes:
        name: name of the track; class of the audio where the source is off-screen.
        phrase: what it does, "dog barking".
        label: the phrase, with the number of the track where several tracks have the phrase.
        track: number of the track; None where the source is off-screen.
        start: seconds.
        stop: seconds, exclusive.
        level: greatest level of all audio during the span, in dBFS.
        probability: greatest probability of the span.
        off_screen: whether nothing in the frame is the source.
    """

    name: str
    phrase: str
    label: str
    track: int | None
    start: float
    stop: float
    level: float
    probability: float
    off_screen: bool

    @property
    def text(self) -> str:
        """The label on one line of printable characters; off-screen audio is marked as such."""
        line = one_line(self.label) or "sound"
        return f"[off-screen] {line}" if self.off_screen else line


def events_of(video: DecidedVideo) -> tuple[Event, ...]:
    """The events of a video, sorted by start, stop and track; off-screen events follow those of tracks.

    Spans without duration are left out.
    """
    owners: dict[str, set[int]] = defaultdict(set)
    for track in video.tracks:
        owners[sound_phrase(track.name)].add(track.id)
    found = []
    for track in video.tracks:
        phrase = sound_phrase(track.name)
        label = phrase if len(owners[phrase]) == 1 else f"{phrase} ({track.id})"
        found += [_event(span, track.name, phrase, label, track.id) for span in track.spans]
    for other in video.off_screen:
        phrase = sound_phrase(other.name)
        found.append(_event(other.span, other.name, phrase, phrase, None))
    return tuple(sorted((event for event in found if event.stop > event.start), key=_order))


def _event(span: Span, name: str, phrase: str, label: str, track: int | None) -> Event:
    level, probability = span.level, span.probability
    return Event(name, phrase, label, track, span.start, span.stop, level, probability, track is None)


def _order(event: Event) -> tuple[float, float, bool, int, str]:
    return event.start, event.stop, event.off_screen, -1 if event.track is None else event.track, event.label
