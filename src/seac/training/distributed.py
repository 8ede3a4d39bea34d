"""One batch over several ranks: rows gathered with gradients, groups numbered across ranks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed


def world_size() -> int:
    """How many ranks train together; 1 where nothing was started."""
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
    """The rows of all ranks, in order of rank: (ranks * B, ...) from (B, ...), B the same on every rank.

    Every rank computes the same loss from them. A row's gradient is the sum over the ranks' losses, and data
    parallelism then takes the mean of the parameters' gradients over ranks: what remains is the gradient of
    that one loss, as one rank would have it that held the whole batch.
    """
    if world_size() == 1:
        return rows
    together: Tensor = _Gather.apply(rows)
    return together


def gather_groups(groups: Tensor, count: int) -> Tensor:
    """Groups of all ranks, none of which spans two: (ranks * B,) int64 numbered 0 to ranks * count - 1.

    Args:
        groups: (B,) groups of this rank, 0 to count - 1.
        count: K, groups of each rank.
    """
    if world_size() == 1:
        return groups
    return gather_rows(groups + distributed.get_rank() * count)
