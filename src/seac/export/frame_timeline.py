"""``timeline.png`` from results frame by frame; :mod:`seac.export.timeline` draws it from a decided video."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from seac.core.result import FrameResult
from seac.export.draw import colour
from seac.export.writer import Clip

ROWS = 12
POINTS = 2000
"""Points of the level curve; it is thinned at twice as many, which bounds memory for long clips."""


@dataclass
class ActiveSpans:
    """Active spans of one track as (start, stop, probability), and counts of its names."""

    spans: list[tuple[float, float, float]] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)

    def add(self, start: float, stop: float, probability: float, name: str) -> None:
        """Add a frame; a frame adjacent to the last span extends it."""
        self.names[name] += 1
        if self.spans and abs(self.spans[-1][1] - start) < 1e-6:
            first, _, previous = self.spans[-1]
            self.spans[-1] = (first, stop, max(previous, probability))
        else:
            self.spans.append((start, stop, probability))

    @property
    def total(self) -> float:
        """Total duration of the spans in seconds."""
        return sum(stop - start for start, stop, _ in self.spans)


class FrameTimeline:
    """Collects spans and plots them at the end."""

    files = ("timeline.png",)

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._path = folder / "timeline.png"
        self._step = 1 / clip.fps
        self._title = clip.source.name
        self._tracks: dict[int, ActiveSpans] = {}
        self._levels: list[tuple[float, float]] = []
        self._every, self._count = 1, 0
        self._end = 0.0

    def add(self, result: FrameResult) -> None:
        """Add the sounding objects of a frame."""
        stop = result.time + self._step
        for row in result.display_rows():
            thing = self._tracks.setdefault(int(result.ids[row]), ActiveSpans())
            thing.add(result.time, stop, float(result.probability[row]), result.names[row])
        self._end = stop
        if self._count % self._every == 0:
            self._levels.append((result.time, result.audio_summary.level))
        self._count += 1
        if len(self._levels) > 2 * POINTS:
            self._levels, self._every = self._levels[::2], self._every * 2

    def close(self) -> None:
        """Plot the timeline."""
        import matplotlib as mpl  # imported late: loading takes as long as segmenting a frame
        from matplotlib.figure import Figure

        chosen = sorted(self._tracks.items(), key=lambda item: -item[1].total)[:ROWS]
        chosen.sort(key=lambda item: item[1].spans[0][0])
        with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
            figure = Figure(figsize=(9, 1.8 + 0.36 * max(1, len(chosen))), layout="constrained")
            level_axes, track_axes = figure.subplots(
                2, 1, sharex=True, height_ratios=(1, max(1.0, 0.5 * len(chosen)))
            )
            times, levels = zip(*self._levels, strict=True) if self._levels else ((), ())
            level_axes.fill_between(
                times, [max(-70.0, level) for level in levels], -70, color="0.6", step="post"
            )
            level_axes.set(ylabel="dBFS", ylim=(-70, 0), title=f"{self._title}: sounding objects over time")
            for row, (number, track) in enumerate(chosen):
                bars = [(start, stop - start) for start, stop, _ in track.spans]
                shade = tuple(part / 255 for part in colour(number))
                track_axes.broken_barh(bars, (row - 0.4, 0.8), color=shade, edgecolor="0.2", linewidth=0.5)
            names = [f"{track.names.most_common(1)[0][0]} ({number})" for number, track in chosen]
            track_axes.set_yticks(range(len(chosen)), names)
            track_axes.set(
                xlabel="seconds", xlim=(0, max(self._end, 1e-3)), ylim=(max(1, len(chosen)) - 0.5, -0.5)
            )
            if not chosen:
                track_axes.text(
                    0.5, 0.5, "no sounding object", ha="center", va="center", transform=track_axes.transAxes
                )
            figure.savefig(self._path, dpi=110)
