"""The training loop of any module, on one or more devices, resumable at any step."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric as Fabric
from torch import Tensor, nn

from seac.associate.mixing import mixing_probability
from seac.core.errors import InputError
from seac.features.batch import IndexBatch, TrainingStore, index_batches
from seac.training.checkpoint import Position, load, origin, save
from seac.training.config import TrainingConfig
from seac.training.history import Events, History
from seac.training.loader import Prefetch
from seac.training.schedule import adamw, rate_factor, set_rates

Measure = Callable[[Any], Mapping[str, float]]
"""Computes metrics of the module after an epoch; the first metric selects the best epoch."""


class Objective(Protocol):
    """What a run trains: a module, its batches and its loss."""

    @property
    def module(self) -> nn.Module:
        """The module to train, on the CPU, with its initial weights."""
        ...

    def fit_constants(self) -> None:
        """Fit the buffers of the module to the store; called before the first step of a run."""
        ...

    def collate(self) -> Callable[[IndexBatch], Any]:
        """Makes batches, which have ``to(device)``; called once, after the module has its buffers."""
        ...

    def loss(self, network: Callable[..., Any], batch: Any, generator: torch.Generator) -> Tensor:
        """The loss of a batch: a scalar.

        Args:
            network: the module, or its wrapper for several devices.
            batch: this rank's part.
            generator: of all random draws of this step, other than dropout.
        """
        ...

    def constrain(self) -> float:
        """Move weights into their range after a step; returns the temperature of the contrastive loss."""
        ...


@dataclass(frozen=True)
class Phase:
    """A run to start or resume.

    Attributes:
        store: training features.
        config: configuration of the run.
        out: folder of its checkpoint and tables.
        measure: computes metrics of the module after an epoch; None for none.
        progress: called with epoch and step after every step.
        save_every: seconds between checkpoints within an epoch.
        inputs: what else a resumed run must share, by name.
    """

    store: TrainingStore
    config: TrainingConfig
    out: Path
    measure: Measure | None = None
    progress: Callable[[int, int], None] | None = None
    save_every: float = 300.0
    inputs: Mapping[str, str] = field(default_factory=dict)


def train_phase(
    phase: Phase, make: Callable[[], Objective], fabric: Fabric, purpose: str = ""
) -> tuple[nn.Module, History]:
    """Train until the last epoch; an interrupted run in ``phase.out`` is resumed.

    Args:
        phase: the run.
        make: makes the objective; initial weights depend on the seed of the config.
        fabric: devices and precision.
        purpose: part of the names of all seeds, which differ between phases.

    Returns:
        the module with the weights of the best epoch, or of the last epoch without metrics; and the history.

    Raises:
        InputError: a store without enough samples, a batch size that the number of ranks does not divide, a
            run with other settings.
    """
    per_epoch = steps_per_epoch(phase.store, phase.config, fabric.world_size)
    # Initial weights and dropout accept no generator: the global one is seeded, then restored.
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed_of(f"{purpose}weights", phase.config.seed))
        objective = make()
        run = _Run(phase, fabric, objective, per_epoch, purpose)
        while run.at.epoch < phase.config.epochs:
            run.epoch()
    run.events.close()
    if run.at.best:
        objective.module.load_state_dict(run.at.best)
    return objective.module.cpu(), run.at.history


def steps_per_epoch(store: TrainingStore, config: TrainingConfig, ranks: int) -> int:
    """Number of batches in an epoch.

    Raises:
        InputError: fewer than two samples, or a batch size that the number of ranks does not divide.
    """
    there = store.proposals > 0
    samples = int(there.sum() if config.every_frame else there.any(dim=1).sum()) if len(store) else 0
    if samples < 2 * ranks:
        raise InputError(
            f"the store has {samples} usable samples: contrastive training needs at least {2 * ranks}"
        )
    size = min(config.batch, samples)
    if size % ranks:
        raise InputError(
            f"a batch of {size} cannot be shared by {ranks} devices: --set batch=N divisible by it"
        )
    return samples // size


class _Run:
    """State of a run."""

    def __init__(
        self, phase: Phase, fabric: Fabric, objective: Objective, per_epoch: int, purpose: str
    ) -> None:
        config = phase.config
        self.phase, self.fabric, self.objective = phase, fabric, objective
        self.per_epoch, self.purpose = per_epoch, purpose
        self.module = objective.module
        self.begun = {**origin(config, len(phase.store), phase.store.provenance), **phase.inputs}
        self.at = load(phase.out, self.begun) or Position()
        if self.at.module:
            self.module.load_state_dict(self.at.module)
        else:
            objective.fit_constants()
        self.prepare = objective.collate()
        optimiser = adamw(self.module.parameters(), config.lr, config.weight_decay)
        self.network: Any
        self.optimiser: Any
        self.network, self.optimiser = fabric.setup(self.module, optimiser)
        if self.at.optimiser:
            self.optimiser.load_state_dict(self.at.optimiser)
        self.events = (
            Events(phase.out / "tensorboard", len(self.at.history.steps)) if self.leads else _NO_EVENTS
        )
        self.saved = time.perf_counter()

    @property
    def leads(self) -> bool:
        return bool(self.fabric.is_global_zero)

    def seed(self, name: str, *numbers: int) -> int:
        return seed_of(self.purpose + name, self.phase.config.seed, *numbers)

    def epoch(self) -> None:
        """Run the remaining steps of the current epoch, then compute metrics and write a checkpoint."""
        config, at = self.phase.config, self.at
        probability = mixing_probability(at.epoch, config.epochs, config.mixing)
        generator = torch.Generator().manual_seed(self.seed("order", at.epoch))
        proposals = self.phase.store.proposals
        every = list(
            index_batches(
                proposals, config.batch, generator, mixing=probability, every_frame=config.every_frame
            )
        )[at.step :]
        began, size = time.perf_counter(), 0
        batches = Prefetch(
            [rank_part(indices, self.fabric.global_rank, self.fabric.world_size) for indices in every],
            self.prepare,
        )
        self.network.train()
        for indices, batch in zip(every, batches, strict=True):
            self.step(batch.to(self.fabric.device), indices)
            size += len(indices.clips)
            if time.perf_counter() - self.saved > self.phase.save_every:
                self.save()
        self.finish(time.perf_counter() - began, batches.waited, size)

    def step(self, batch: Any, indices: IndexBatch) -> None:
        """Update the weights with a batch."""
        config, at = self.phase.config, self.at
        number = at.epoch * self.per_epoch + at.step
        steps = config.epochs * self.per_epoch
        factor = rate_factor(number, steps, round(config.warmup * steps), config.schedule)
        set_rates(self.optimiser, factor)
        rate = config.lr * factor
        torch.manual_seed(self.seed("dropout", number, self.fabric.global_rank))
        generator = torch.Generator().manual_seed(self.seed("draws", number, self.fabric.global_rank))
        loss = self.objective.loss(self.network, batch, generator)
        self.optimiser.zero_grad()
        self.fabric.backward(loss)
        if config.clip:
            nn.utils.clip_grad_norm_(self.module.parameters(), config.clip)
        self.optimiser.step()
        temperature = self.objective.constrain()
        value = float(loss.detach())
        if math.isnan(value):
            raise InputError(
                f"the loss is NaN at step {number}: lower lr (now {config.lr:g}) or set precision=32-true"
            )
        at.history.steps.append([number, at.epoch, value, rate, temperature, float(indices.mixed)])
        at.step += 1
        if self.phase.progress is not None:
            self.phase.progress(at.epoch, at.step)

    def finish(self, seconds: float, waited: float, samples: int) -> None:
        """Record the metrics of the finished epoch and start the next one."""
        at = self.at
        losses = [row[2] for row in at.history.steps[-self.per_epoch :]]
        figures = {
            "epoch": float(at.epoch),
            "loss": sum(losses) / len(losses),
            "seconds": seconds,
            "waiting": waited / max(seconds, 1e-9),
            "samples": float(samples),
        }
        if self.phase.measure is not None and self.leads:
            self.module.eval()
            with torch.no_grad():
                figures |= self.phase.measure(self.module)
        self.fabric.barrier()
        at.history.epochs.append(figures)
        if at.history.best_epoch() == at.epoch:
            at.best = {name: value.detach().cpu().clone() for name, value in self.module.state_dict().items()}
        at.epoch, at.step = at.epoch + 1, 0
        self.events.add_epoch(figures, len(at.history.steps))
        self.save()

    def save(self) -> None:
        """Write a checkpoint and the tables."""
        self.saved = time.perf_counter()
        if not self.leads:
            return
        self.at.module, self.at.optimiser = self.module.state_dict(), self.optimiser.state_dict()
        save(self.phase.out, self.at, self.begun)
        self.at.history.save(self.phase.out)
        self.events.add(self.at.history)


class _NoEvents:
    def add(self, history: History) -> None: ...
    def add_epoch(self, figures: Mapping[str, float], step: int) -> None: ...
    def close(self) -> None: ...


_NO_EVENTS = _NoEvents()


def seed_of(purpose: str, *numbers: int) -> int:
    """A 63-bit seed for one purpose and position in a run."""
    name = " ".join([purpose, *map(str, numbers)]).encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") >> 1


def rank_part(indices: IndexBatch, rank: int, ranks: int) -> IndexBatch:
    """A rank's share of a batch, with its own seed."""
    if ranks == 1:
        return indices
    size = len(indices.clips) // ranks
    own = slice(rank * size, (rank + 1) * size)
    return IndexBatch(
        indices.clips[own], indices.frames[own], indices.mixed, seed_of("mixtures", indices.seed, rank)
    )
