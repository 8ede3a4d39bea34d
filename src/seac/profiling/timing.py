"""Times of one thing done several times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

Clock = Literal["wall", "cpu"]


@dataclass(frozen=True)
class Timing:
    """Seconds of every run, in the order they were made."""

    seconds: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """Seconds under which this share (0 to 100) of the runs lie."""
        return float(np.percentile(self.seconds, share))

    @property
    def median(self) -> float:
        """The middle one."""
        return self.percentile(50)


def now(clock: Clock) -> float:
    """Seconds of a clock: the wall's, or what this process computed, which a busy machine blurs less."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() if clock == "wall" else time.process_time()


def compare(
    runners: dict[str, Callable[[], Any]], repeats: int, clock: Clock = "wall"
) -> tuple[dict[str, Timing], dict[str, Any]]:
    """Time several ways to do the same, turn by turn, so that all of them meet the same weather.

    Args:
        runners: by name.
        repeats: rounds, after one that is not counted if there are several.
        clock: which seconds.

    Returns:
        times and last answers, by name.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    answers: dict[str, Any] = {}
    rounds = repeats + (1 if repeats > 1 else 0)
    for number in range(rounds):
        for name, run in runners.items():
            began = now(clock)
            answers[name] = run()
            if number >= rounds - repeats:
                seconds[name].append(now(clock) - began)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}, answers
