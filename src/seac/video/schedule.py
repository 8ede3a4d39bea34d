"""Which tracks are shown at a time, and how likely they sound then."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping

from seac.results.values import STEP, AudioSteps, DecidedTrack, KeyFrame


class SpanSchedule:
    """The spans of decided tracks; a :class:`seac.video.propagation.Schedule`."""

    def __init__(self, tracks: tuple[DecidedTrack, ...]) -> None:
        self._starts = {track.id: [span.start for span in track.spans] for track in tracks}
        self._spans = {track.id: track.spans for track in tracks}

    def at(self, time: float) -> list[int]:
        """Tracks of which a span contains a time in seconds, in the order of the decision."""
        found = []
        for track, starts in self._starts.items():
            # Frames lie on edges of audio steps, whose products with STEP are rounded.
            row = bisect_right(starts, time + 1e-6) - 1
            if row >= 0 and time + 1e-6 < self._spans[track][row].stop:
                found.append(track)
        return found

    def during(self, start: float, stop: float) -> set[int]:
        """Tracks of which a span overlaps the time from ``start`` to ``stop`` in seconds."""
        found = set()
        for track, starts in self._starts.items():
            row = bisect_left(starts, stop) - 1
            if row >= 0 and self._spans[track][row].stop > start:
                found.add(track)
        return found

    def probability(self, track: int, time: float) -> float:
        """Probability of the span at a time; 0 where a track is not shown."""
        row = bisect_right(self._starts[track], time + 1e-6) - 1
        return self._spans[track][row].probability if row >= 0 else 0.0


class Likelihood:
    """Probabilities of the tracks of the last few key frames in each audio step.

    Args:
        steps: the audio.
        schedule: where a step says nothing about a track, the probability of its span counts.
    """

    def __init__(self, steps: AudioSteps, schedule: SpanSchedule) -> None:
        self._steps, self._schedule = steps, schedule
        self._rows: dict[int, Mapping[int, int]] = {}

    def enter(self, position: int, key: KeyFrame) -> None:
        """Add the key frame at a position; the three newest are kept."""
        self._rows[position] = {int(track): row for row, track in enumerate(key.tracks)}
        self._rows.pop(position - 3, None)

    def at(self, track: int, time: float) -> float:
        """Probability that a track sounds at a time in seconds."""
        step = int((time + 1e-6) / STEP)
        if step < len(self._steps):
            rows = self._rows.get(int(self._steps.key_frame[step]), {})
            values = self._steps.probability[step]
            if track in rows and rows[track] < len(values):
                return float(values[rows[track]])
        return self._schedule.probability(track, time)
