"""Distributed batches: gather rows with gradients and number groups across ranks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed


def world_size() -> int:
    """Number of ranks; 1 without a process group."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        parts = [torch.empty_like(rows) for _ in range(world_size())]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        distributed.all_reduce(total)
        first = distributed.get_rank() * ctx.count
        return total[first : first + ctx.count]


def gather_rows(rows: Tensor) -> Tensor:
    """Gather the rows of all ranks, in order: (ranks * B, ...) from (B, ...), B the same on every rank.

    Every rank computes the same loss from the gathered rows. The gradient of a row is the sum over the
    ranks' losses; data parallelism then averages the gradients of the parameters over ranks. The result is
    the gradient of the loss of the whole batch on one rank.
    """
    if world_size() == 1:
        return rows
    together: Tensor = _Gather.apply(rows)
    return together


def gather_groups(groups: Tensor, count: int) -> Tensor:
    """Gather group indices; no group spans two ranks: (ranks * B,) int64 from 0 to ranks * count - 1.

    Args:
        groups: (B,) groups of this rank, 0 to count - 1.
        count: K, number of groups of each rank.
    """
    if world_size() == 1:
        return groups
    return gather_rows(groups + distributed.get_rank() * count)
