"""AdamW with a short rise of its rate and a cosine to 0."""

from __future__ import annotations

import math

import torch
from torch import nn


def build_optimiser(
    module: nn.Module, steps: int, rate: float, decay: float
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    """AdamW and its rate: up over the first tenth of the steps, then down a cosine to 0."""
    optimiser = torch.optim.AdamW(module.parameters(), rate, weight_decay=decay)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, 10 * (step + 1) / steps) * cosine(step / steps)
    )


def cosine(done: float) -> float:
    """From 1 to 0, over the share of steps that are done."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
