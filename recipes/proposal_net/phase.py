"""Training loop shared by the stages: learning-rate schedule, averaged weights, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

MAX_GRADIENT_NORM = 5.0
T = TypeVar("T")


def move_to_device(tensors: T, device: str) -> T:
    """Copy a dataclass of tensors to ``device``."""
    return type(tensors)(*(getattr(tensors, each.name).to(device) for each in fields(tensors)))  # type: ignore[arg-type]  # any dataclass


class TrainingPhase:
    """Optimisation of a stage.

    Args:
        module: the trained module; parameters without gradients are frozen.
        optimiser: optimiser of its parameters; the rate of each group is its peak rate.
        steps: number of steps.
        warm: steps of linear warm-up; then the rate falls along a cosine to 0.
        keep: decay of the exponential moving average of the weights; smaller in the first steps.
        checkpoint: file of the checkpoint, loaded if it exists; None writes no checkpoint.

    Attributes:
        first: the first step.
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
        self.steps, self.warm, self.keep = steps, warm, keep
        self.checkpoint = checkpoint
        self.first = 0
        self.average = {name: value.detach().clone() for name, value in module.state_dict().items()}
        for group in optimiser.param_groups:
            group.setdefault("base", group["lr"])
        if checkpoint and checkpoint.is_file():
            stored = torch.load(checkpoint, weights_only=True, map_location=next(module.parameters()).device)
            module.load_state_dict(stored["module"])
            optimiser.load_state_dict(stored["optimiser"])
            self.average, self.first = stored["average"], stored["step"]

    def learn(self, step: int, loss: Tensor) -> None:
        """Take an optimiser step on ``loss`` and update the averaged weights."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * rate_at(step, self.steps, self.warm)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), MAX_GRADIENT_NORM)
        self.optimiser.step()
        keep = min(self.keep, (step + 1) / (step + 10))
        for name, value in self.module.state_dict().items():
            mean = self.average[name]
            mean.lerp_(value, 1 - keep) if value.is_floating_point() else mean.copy_(value)

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


def rate_at(step: int, steps: int, warm: int) -> float:
    """Learning rate relative to its peak: linear over the first ``warm`` steps, then a cosine to 0."""
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


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
