"""A training phase: learning rate schedule, averaged weights, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from seac.training.ema import ExponentialMovingAverage
from seac.training.schedule import rate_factor, set_rates

MAX_GRADIENT_NORM = 5.0
WEIGHT_DECAY = 0.02
TUNING = 1 / 3  # factor on the learning rate of layers that an earlier phase trained
T = TypeVar("T")


def move_to_device(tensors: T, device: str) -> T:
    """Copy a dataclass of tensors to ``device``."""
    moved = (getattr(tensors, each.name).to(device) for each in fields(tensors))  # type: ignore[arg-type]  # any dataclass
    return type(tensors)(*moved)


class TrainingPhase:
    """Optimisation of a module over the steps of a phase, with a cosine schedule.

    Args:
        module: the trained module; parameters without gradients are frozen.
        optimiser: optimiser of its parameters, from :func:`seac.training.schedule.adamw`.
        steps: number of steps.
        warm: number of warm-up steps.
        keep: decay of the exponential moving average of the weights.
        checkpoint: file of the checkpoint, loaded if it exists; None writes no checkpoint.

    Attributes:
        first: index of the first step.
        average: the averaged state dict of ``module``.
    """

    def __init__(
        self,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        steps: int,
        *,
        warm: int,
        keep: float,
        checkpoint: Path | None = None,
    ) -> None:
        self.module, self.optimiser = module, optimiser
        self.steps, self.warm = steps, warm
        self.checkpoint = checkpoint
        self.first = 0
        self._average = ExponentialMovingAverage(module, keep)
        if checkpoint and checkpoint.is_file():
            stored = torch.load(checkpoint, weights_only=True, map_location=next(module.parameters()).device)
            module.load_state_dict(stored["module"])
            optimiser.load_state_dict(stored["optimiser"])
            self._average.load(stored["average"])
            self.first = stored["step"]

    @property
    def average(self) -> dict[str, Tensor]:
        """The averaged state dict of the module."""
        return self._average.state

    def learn(self, step: int, loss: Tensor, progress: float = 0.0) -> None:
        """Take an optimiser step on ``loss`` and update the averaged weights.

        Args:
            step: index of the step.
            loss: scalar.
            progress: share of the phase that has passed, if more than ``step / steps`` (a limit of time).
        """
        at = max(float(step), progress * self.steps)
        set_rates(self.optimiser, rate_factor(at, self.steps) * min(1.0, (step + 1) / self.warm))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), MAX_GRADIENT_NORM)
        self.optimiser.step()
        self._average.update(self.module, step + 1)

    def save(self, step: int) -> None:
        """Write the checkpoint after ``step`` atomically."""
        if self.checkpoint is None:
            return
        state = {
            "module": self.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "step": step + 1,
        }
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)


@dataclass(frozen=True)
class _BatchDataset(Generic[T]):
    """A dataset whose items are the batches ``make_batch(step)``."""

    make_batch: Callable[[int], T]
    steps: int

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> T:
        torch.set_num_threads(1)
        return self.make_batch(step)


def iterate_batches(make_batch: Callable[[int], T], steps: range, workers: int) -> Iterable[T]:
    """Iterate over ``make_batch(step)`` for ``steps``, computed ahead by ``workers`` processes.

    Without workers, batches are computed on demand.
    """
    if not workers:
        return map(make_batch, steps)
    return DataLoader(
        _BatchDataset(make_batch, steps.stop),  # type: ignore[arg-type]  # has __len__ and __getitem__
        batch_size=None,
        sampler=steps,
        num_workers=workers,
    )
