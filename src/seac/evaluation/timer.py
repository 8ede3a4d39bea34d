"""Progress for people and seconds by step for the report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


class ProgressTimer:
    """Adds up the seconds of named steps; shows a bar on a console if one is given."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, step: str) -> Iterator[None]:
        """Count the block's wall time under ``step``."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - began

    def over(self, items: Sequence[Item], step: str) -> Iterable[Item]:
        """The items, with a bar."""
        if self._console is None:
            return items
        return track(items, step, console=self._console, transient=True)
