"""Progress bars on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import track

from seac.evaluation.timer import Item, Progress


def progress_bar(console: Console) -> Progress:
    """A bar on a console; it disappears at the end."""

    def over(items: Sequence[Item], step: str) -> Iterable[Item]:
        return track(items, step, console=console, transient=True)

    return over
