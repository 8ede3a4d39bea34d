"""Progress bars on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, track
from rich.progress import Progress as RichProgress

from seac.core.text import printable
from seac.evaluation.timer import Item, Progress


def print_line(console: Console, text: str) -> None:
    """Print lines as they are: names of files are no markup, and their control codes are escaped."""
    console.print("\n".join(map(printable, text.split("\n"))), highlight=False, soft_wrap=True, markup=False)


class FrameProgress(Protocol):
    """What a job tells about its frames; :func:`frame_progress` shows it on a terminal."""

    def add_task(self, description: str, /, *, total: float | None, rate: str) -> TaskID:
        """Begin a clip.

        Args:
            description: its name.
            total: its seconds; None if unknown.
            rate: speed as a text.
        """
        ...

    def update(
        self, task: TaskID, /, *, completed: float | None = ..., advance: float | None = ..., rate: str = ...
    ) -> None:
        """Tell that so many seconds or frames are done."""
        ...

    def reset(self, task: TaskID, /, *, total: float | None, rate: str) -> None:
        """Begin the pass over all frames, of which there are ``total``."""
        ...

    def remove_task(self, task: TaskID, /) -> None:
        """End a clip."""
        ...


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
