"""Lanes of a timeline: when each track sounds, and when audio has no visible source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seac.results.values import STEP, DecidedVideo, Span

OFF_SCREEN_COLOUR = (128, 136, 132)
FLOOR = -80.0
"""Least level that is drawn, in dBFS."""


@dataclass(frozen=True)
class Lane:
    """A row of a timeline.

    Attributes:
        name: name of the track; class of the audio where the source is off-screen.
        track: number of the track; None where the source is off-screen.
        colour: red, green, blue from 0 to 255.
        spans: when it sounds, in order.
    """

    name: str
    track: int | None
    colour: tuple[int, int, int]
    spans: tuple[Span, ...]

    @property
    def total(self) -> float:
        """Seconds of sounding."""
        return sum(span.stop - span.start for span in self.spans)


def track_lanes(video: DecidedVideo) -> tuple[Lane, ...]:
    """A lane per track, in order of the first spans."""
    return tuple(
        Lane(track.name, track.id, track.colour, track.spans)
        for track in sorted(video.tracks, key=lambda track: track.spans[0].start if track.spans else 0.0)
        if track.spans
    )


def off_screen_lanes(video: DecidedVideo) -> tuple[Lane, ...]:
    """A lane per class of off-screen audio, in order of the first spans."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for other in sorted(video.off_screen, key=lambda other: other.span.start):
        spans[other.name].append(other.span)
    return tuple(Lane(name, None, OFF_SCREEN_COLOUR, tuple(found)) for name, found in spans.items())


def longest_lanes(lanes: Iterable[Lane], limit: int) -> tuple[tuple[Lane, ...], int]:
    """At most ``limit`` lanes, those that sound longest, in their order; and how many were left out."""
    given = tuple(lanes)
    kept = sorted(range(len(given)), key=lambda row: (-given[row].total, row))[:limit]
    return tuple(given[row] for row in sorted(kept)), len(given) - len(kept)


def level_curve(video: DecidedVideo, points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The level over time: (P,) seconds and (P,) dBFS, the greatest of as many steps as a point stands for.

    Args:
        video: the decided video.
        points: greatest P.
    """
    level = np.maximum(np.nan_to_num(np.asarray(video.level, np.float64), nan=FLOOR), FLOOR)
    pooled = -(-len(level) // points) if len(level) else 1
    padded = np.pad(level, (0, -len(level) % pooled), constant_values=FLOOR)
    curve: NDArray[np.float64] = padded.reshape(-1, pooled).max(axis=1)
    return np.arange(len(curve), dtype=np.float64) * (pooled * STEP), curve
