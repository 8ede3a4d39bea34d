"""States of metrics that keep one number per frame or clip."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from seac.core.errors import InputError


def add_columns(metric: Metric, *names: str) -> None:
    """Add states of one number per frame, (N,) float64, which ranks concatenate."""
    for name in names:
        metric.add_state(name, [], dist_reduce_fx="cat")
    # For a rank without frames torchmetrics gathers an empty tensor of the metric's own dtype.
    metric.set_dtype(torch.float64)


def column(metric: Metric, values: Tensor) -> Tensor:
    """Values (N,) as an entry of a column: float64 on the metric's device."""
    return values.to(metric.device).double()


def concatenate(entries: list[Tensor] | Tensor) -> Tensor:
    """A column, (N,) float64 on the CPU; a list on one rank, one tensor after ranks have been gathered."""
    parts = [entries] if isinstance(entries, Tensor) else entries
    return torch.cat([torch.zeros(0, dtype=torch.float64), *(part.cpu() for part in parts)])


def check_not_empty(frames: int) -> None:
    """Refuse a ``compute`` without frames.

    Raises:
        InputError: there are none.
    """
    if frames == 0:
        raise InputError("no frames to score: call update with at least one first")
