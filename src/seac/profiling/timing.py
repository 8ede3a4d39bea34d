"""Repeated timing of functions."""

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
    """Seconds of every run, in order."""

    seconds: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """Return the percentile ``share`` (0 to 100) of the seconds."""
        return float(np.percentile(self.seconds, share))

    @property
    def median(self) -> float:
        """Median seconds."""
        return self.percentile(50)


def now(clock: Clock) -> float:
    """Return wall-clock seconds, or CPU seconds of this process, which other processes disturb less."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() if clock == "wall" else time.process_time()


def compare(
    runners: dict[str, Callable[[], Any]], repeats: int, clock: Clock = "wall"
) -> tuple[dict[str, Timing], dict[str, Any]]:
    """Time several functions, interleaved so that all run under the same machine load.

    Args:
        runners: functions by name.
        repeats: measured rounds; if more than one, a warm-up round comes first.
        clock: wall-clock or CPU time.

    Returns:
        Timings and last outputs, by name.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    outputs: dict[str, Any] = {}
    rounds = repeats + (1 if repeats > 1 else 0)
    for number in range(rounds):
        for name, run in runners.items():
            start = now(clock)
            outputs[name] = run()
            if number >= rounds - repeats:
                seconds[name].append(now(clock) - start)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}, outputs
