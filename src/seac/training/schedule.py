"""Learning rate schedules and AdamW, for the association and for ``recipes/``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import nn

Schedule = Literal["linear", "cosine"]
PEAK = "peak"


def rate_factor(step: float, steps: float, warmup: float = 0, schedule: Schedule = "cosine") -> float:
    """Learning rate at a step as a share of the peak, from 0 to 1.

    Args:
        step: step from 0; other units, such as seconds, are possible if ``steps`` and ``warmup`` share them.
        steps: steps of the whole run, after which the rate is 0.
        warmup: steps over which the rate rises linearly.
        schedule: "linear" falls linearly after the warm-up; "cosine" is half a cosine over all
            steps, multiplied by the warm-up.
    """
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if schedule == "cosine":
        return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
    return rise if step < warmup else (steps - step) / max(1, steps - warmup)


def adamw(
    parameters: Iterable[nn.Parameter] | Iterable[Mapping[str, Any]], peak: float, weight_decay: float
) -> torch.optim.AdamW:
    """AdamW with learning rates set by :func:`set_rates`.

    Args:
        parameters: parameters to train; a group may have its own peak rate as "lr".
        peak: peak learning rate.
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
