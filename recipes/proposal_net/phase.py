"""What every stage of the recipe does alike: a rate that rises and falls, averaged weights, checkpoints."""

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
    """A dataclass of tensors with all of them on ``device``."""
    return type(tensors)(*(getattr(tensors, each.name).to(device) for each in fields(tensors)))  # type: ignore[arg-type]  # any dataclass


class TrainingPhase:
    """The steps of a stage.

    Args:
        module: what learns; parameters without a gradient stay as they are.
        optimiser: of its parameters; the rate of each group is the greatest that it will have.
        steps: of the whole course.
        warm: steps in which the rate grows; then it falls along a cosine to nought.
        keep: share of the averaged weights that a step leaves, once there were enough steps.
        checkpoint: a file that is gone on from if it is there; None keeps none.

    Attributes:
        first: the step to begin with.
        average: the averaged state of ``module``.
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
        """One step down ``loss``, and the weights it leads to into the average."""
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
        """Write the checkpoint after ``step``, whole or not at all."""
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
    """Share of the greatest rate: linear over the first ``warm`` steps, then a cosine to nought."""
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


@dataclass(frozen=True)
class _BatchDataset(Generic[T]):
    """A data set of what ``make_batch`` makes of a step."""

    make_batch: Callable[[int], T]
    steps: int

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> T:
        torch.set_num_threads(1)
        return self.make_batch(step)


def iterate_batches(make_batch: Callable[[int], T], steps: range, workers: int) -> Iterable[T]:
    """What ``make_batch`` makes of each of ``steps``, drawn by ``workers`` processes while the network learns.

    Without workers each is drawn when its turn comes.
    """
    if not workers:
        return map(make_batch, steps)
    return DataLoader(
        _BatchDataset(make_batch, steps.stop),  # type: ignore[arg-type]  # what it needs is there
        batch_size=None,
        sampler=steps,
        num_workers=workers,
    )
