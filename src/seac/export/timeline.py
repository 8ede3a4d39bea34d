"""``timeline.png``: the level of the audio, a lane per track and the audio without a visible source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seac.core.text import one_line
from seac.export.exporter import WithoutFrames
from seac.export.fonts import drawable, plain_text
from seac.export.lanes import FLOOR, Lane, level_curve, longest_lanes, off_screen_lanes, track_lanes
from seac.results.values import STEP, DecidedVideo

MAX_TRACKS, MAX_OFF_SCREEN = 24, 6
"""Most lanes that are drawn; of more, those that sound longest."""
WIDTH, DPI = 9.0, 110
"""Inches and pixels per inch."""
LANE, HEAD, LEVEL = 0.27, 0.95, 0.8
"""Inches of a lane, of all that is no lane or level curve, and of the level curve."""
POINTS = 800
"""Most points of the level curve, about one per pixel."""
MIN_WIDTH = 1.5
"""Pixels of the shortest bar: a tenth of a second is seen in an hour."""
NAME_LETTERS = 24
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""Distances of ticks in seconds, of which the least with at most :data:`MAX_TICKS` ticks is taken."""
MAX_TICKS = 12


class Timeline(WithoutFrames):
    """Plots a decided video; no frame is needed."""

    files = ("timeline.png",)

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._path, self._video = folder / "timeline.png", video

    def close(self) -> None:
        """Plot the timeline."""
        import matplotlib as mpl  # imported late: loading takes as long as segmenting a frame
        from matplotlib.figure import Figure

        tracks, more = longest_lanes(track_lanes(self._video), MAX_TRACKS)
        others, more_others = longest_lanes(off_screen_lanes(self._video), MAX_OFF_SCREEN)
        lanes = (*tracks, *others)
        height = LANE * max(1, len(lanes))
        style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "hatch.linewidth": 0.6}
        name = Path(self._video.info.source).name
        with mpl.rc_context(style), plain_text([name, *(lane.name for lane in lanes)]):
            figure = Figure(figsize=(WIDTH, HEAD + LEVEL + height), layout="constrained")
            level_axes, lane_axes = figure.subplots(2, 1, sharex=True, height_ratios=(LEVEL, height))
            self._draw_level(level_axes)
            self._draw_lanes(lane_axes, lanes)
            self._draw_time(lane_axes, more, more_others)
            for axes in (level_axes, lane_axes):
                for cut in self._video.cuts:
                    axes.axvline(cut, color="0.35", linewidth=0.7, linestyle=(0, (2, 2)), zorder=0)
            figure.savefig(self._path, dpi=DPI)

    @property
    def _end(self) -> float:
        return max(self._video.info.duration, len(self._video.level) * STEP, 1e-3)

    def _draw_level(self, axes: Any) -> None:
        times, level = level_curve(self._video, POINTS)
        if len(times):
            axes.fill_between([*times, self._end], [*level, level[-1]], FLOOR, color="0.6", step="post")
        title = drawable(one_line(Path(self._video.info.source).name, 80), "source")
        axes.set(ylabel="dBFS", ylim=(FLOOR, 0), yticks=(-80, -40, 0))
        axes.set_title(f"{title}: who sounds when", fontsize=10)

    def _draw_lanes(self, axes: Any, lanes: Sequence[Lane]) -> None:
        shortest = MIN_WIDTH * self._end / (WIDTH * DPI)
        for row, lane in enumerate(lanes):
            colour = tuple(part / 255 for part in lane.colour)
            bars = [(span.start, max(span.stop - span.start, shortest)) for span in lane.spans]
            if lane.track is None:
                style: dict[str, Any] = {"facecolor": "none", "edgecolor": colour, "hatch": "//////"}
            else:
                style = {"facecolor": colour, "edgecolor": "none"}
            axes.axhline(row, color="0.9", linewidth=0.6, zorder=0)
            axes.broken_barh(bars, (row - 0.36, 0.72), linewidth=0.6, zorder=2, **style)
        axes.set_yticks(range(len(lanes)), [_title(lane) for lane in lanes])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(max(1, len(lanes)) - 0.5, -0.5)
        if not lanes:
            axes.text(0.5, 0.5, "no event", ha="center", va="center", transform=axes.transAxes)

    def _draw_time(self, axes: Any, more: int, more_others: int) -> None:
        step = next((step for step in TICKS if self._end / step <= MAX_TICKS), TICKS[-1])
        ticks = [position * step for position in range(int(self._end / step + 1e-6) + 1)]
        axes.set_xticks(ticks, [clock(tick, step) for tick in ticks])
        unit = (
            "seconds"
            if self._end < 60
            else "minutes:seconds"
            if self._end < 3600
            else "hours:minutes:seconds"
        )
        counts = ((more, "tracks"), (more_others, "off-screen classes"))
        left_out = " and ".join(f"{count} {what}" for count, what in counts if count)
        note = f"; not shown, as they sound for less: {left_out}" if left_out else ""
        axes.set(xlabel=unit + note, xlim=(0, self._end))


def clock(seconds: float, step: float = 1.0) -> str:
    """``2.5``, ``1:05`` or ``1:00:05``; seconds have a decimal where ``step`` has."""
    if seconds < 60:
        return f"{seconds:.1f}" if step < 1 else f"{seconds:.0f}"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _title(lane: Lane) -> str:
    name = drawable(one_line(lane.name, NAME_LETTERS), "track" if lane.track is not None else "class")
    return f"{name} (off-screen)" if lane.track is None else f"{name} ({lane.track})"
