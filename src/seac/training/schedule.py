"""Learning rate schedules and AdamW, for every training: the association's and those of ``recipes/``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import nn

Schedule = Literal["linear", "cosine"]
PEAK = "peak"


def rate_factor(step: float, steps: float, warmup: float = 0, schedule: Schedule = "cosine") -> float:
    """Share of the peak learning rate at a step, from 0 to 1.

    Args:
        step: from 0; any unit, such as seconds, if ``steps`` and ``warmup`` have the same.
        steps: of the whole run, after which the rate is 0.
        warmup: steps over which the rate rises linearly.
        schedule: "linear" falls in a straight line after the warm-up; "cosine" is half a cosine over all
            steps, multiplied by the warm-up.
    """
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if schedule == "cosine":
        return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
    return rise if step < warmup else (steps - step) / max(1, steps - warmup)


def adamw(
    parameters: Iterable[nn.Parameter] | Iterable[Mapping[str, Any]], peak: float, weight_decay: float
) -> torch.optim.AdamW:
    """AdamW whose learning rates :func:`set_rates` sets.

    Args:
        parameters: to train; groups may have a peak rate of their own as "lr".
        peak: learning rate at its highest.
        weight_decay: of all parameters.
    """
    given: Any = parameters
    optimiser = torch.optim.AdamW(given, peak, weight_decay=weight_decay)
    for group in optimiser.param_groups:
        group[PEAK] = group["lr"]
    return optimiser


def set_rates(optimiser: torch.optim.Optimizer, factor: float) -> None:
    """Set the learning rate of every group of :func:`adamw` to ``factor`` of its peak."""
    for group in optimiser.param_groups:
        group["lr"] = group[PEAK] * factor
