"""Progress bars on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, track
from rich.progress import Progress as RichProgress

from seac.evaluation.timer import Item, Progress


def progress_bar(console: Console) -> Progress:
    """A bar on a console; it disappears at the end."""

    def over(items: Sequence[Item], step: str) -> Iterable[Item]:
        return track(items, step, console=console, transient=True)

    return over


def frame_progress(console: Console) -> RichProgress:
    """Bars with a rate, which tasks give as the field ``rate``; they disappear at the end."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    return RichProgress(*columns, console=console, transient=True)
