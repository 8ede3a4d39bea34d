"""Seconds by step for the report, and progress for the user."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Progress(Protocol):
    """Reports the progress of an iteration."""

    def __call__(self, items: Sequence[Item], step: str, /) -> Iterable[Item]:
        """Iterate over the items; ``step`` is the name of the step."""
        ...


def no_progress(items: Sequence[Item], step: str) -> Iterable[Item]:
    """Iterate over the items without a report."""
    return items


class ProgressTimer:
    """Sums the seconds of named steps and reports progress.

    Args:
        progress: reports progress; none by default.
    """

    def __init__(self, progress: Progress = no_progress) -> None:
        self._progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, step: str) -> Iterator[None]:
        """Add the block's wall time to ``step``."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - began

    def over(self, items: Sequence[Item], step: str) -> Iterable[Item]:
        """Iterate over the items with progress."""
        return self._progress(items, step)
