"""Exponential moving average of weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class ExponentialMovingAverage:
    """Average of the states of a module after its steps; integers (counters) are copied.

    Args:
        module: module whose state initialises the average.
        decay: weight of the average at each update; smaller in the first steps, ``n / (n + 9)`` after n.

    Attributes:
        state: the averaged state dict.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, updates: int) -> None:
        """Update the average with the module's state.

        Args:
            module: module after a step.
            updates: number of updates, including this one.
        """
        decay = min(self.decay, updates / (updates + 9))
        for name, value in module.state_dict().items():
            mean = self.state[name]
            mean.lerp_(value, 1 - decay) if value.is_floating_point() else mean.copy_(value)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the averaged state in a checkpoint."""
        self.state = dict(state)
