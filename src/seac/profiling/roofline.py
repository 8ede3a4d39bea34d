"""Roofline estimate: the arithmetic of a path at the peak rate of this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from seac.profiling.timing import Clock, compare

CHANNELS, SIDE, BATCH = 256, 28, 8
"""Sizes of a 3 x 3 convolution that fits in the caches, the operation with the highest float32 throughput."""


def arithmetic(run: Callable[[], Any]) -> float:
    """Count the floating-point operations of matrix products, convolutions and attention in one ``run()``."""
    # Fused attention kernels are not counted on every device; the math backend is.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


@torch.no_grad()
def best_rate(clock: Clock, repeats: int = 8) -> float:
    """Return the peak floating-point operations per second of a float32 convolution over ``repeats`` runs."""
    layer = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
    maps = torch.rand(BATCH, CHANNELS, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    times, _ = compare({"convolution": lambda: layer(maps)}, repeats, clock)
    return 2 * 9 * CHANNELS**2 * SIDE**2 * BATCH / min(times["convolution"].seconds)
