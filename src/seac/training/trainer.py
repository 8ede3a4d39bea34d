"""The training loop, on one or more devices, resumable at any step."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from seac.associate.input_projection import InputFeatures
from seac.associate.mixing import mixing_probability
from seac.associate.model import AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError
from seac.encoders.base import AudioEncoder
from seac.features.batch import IndexBatch, TrainingStore, index_batches
from seac.training.checkpoint import Position, load, origin, save
from seac.training.collate import Collate
from seac.training.config import TrainingConfig
from seac.training.fit_projection import fit_projection
from seac.training.history import Events, History
from seac.training.loader import Prefetch
from seac.training.schedule import adamw, rate_factor, set_rates
from seac.training.step import batch_loss

Measure = Callable[[AssociationModule], Mapping[str, float]]


@dataclass(frozen=True)
class Fitting:
    """A run to start or resume.

    Attributes:
        store: training features.
        config: configuration of the run.
        out: folder of the run.
        encoder: the audio encoder; None without mixing.
        measure: computes metrics of the module after an epoch; the first metric selects the best epoch.
        progress: called with epoch and step after every step.
        zero_shot: text space of the encoders; None if the input has none.
        save_every: seconds between checkpoints within an epoch.
    """

    store: TrainingStore
    config: TrainingConfig
    out: Path
    encoder: AudioEncoder | None = None
    measure: Measure | None = None
    progress: Callable[[int, int], None] | None = None
    zero_shot: ZeroShot | None = None
    save_every: float = 300.0


@dataclass(frozen=True)
class Fitted:
    """The result of a run.

    Attributes:
        module: module with the weights of the best epoch, or of the last epoch without metrics.
        history: history of the whole run.
        epoch: epoch of the weights, from 0.
    """

    module: AssociationModule
    history: History
    epoch: int


def fit(job: Fitting, fabric: Fabric) -> Fitted:
    """Train until the last epoch; an interrupted run in ``job.out`` is resumed.

    Raises:
        InputError: a store without required masks or class probabilities, a batch size that the number of
            ranks does not divide, a run with other settings.
    """
    config = job.config
    per_epoch = steps_per_epoch(job.store, config, fabric.world_size)
    # Initial weights and dropout accept no generator: the global one is seeded, then restored.
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed_of("weights", config.seed))
        module = AssociationModule(config.association(job.store.mask_dim, job.store.audio_dim, job.zero_shot))
        run = _Run(job, fabric, module, per_epoch)
        while run.at.epoch < config.epochs:
            run.epoch()
    run.events.close()
    if run.at.best:
        module.load_state_dict(run.at.best)
    best = run.at.history.best_epoch()
    return Fitted(module.cpu(), run.at.history, config.epochs - 1 if best is None else best)


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

    def __init__(self, job: Fitting, fabric: Fabric, module: AssociationModule, per_epoch: int) -> None:
        config = job.config
        self.job, self.fabric, self.module, self.per_epoch = job, fabric, module, per_epoch
        self.begun = origin(config, len(job.store), job.store.provenance)
        self.at = load(job.out, self.begun) or Position()
        lam = module.config.local_weight
        if self.at.module:
            module.load_state_dict(self.at.module)
        elif module.input_projection is not None:
            fit_projection(
                module.input_projection,
                job.store,
                lam=lam,
                n_masks=config.n_masks,
                seed=seed_of("projection", config.seed),
                zero_shot=job.zero_shot,
            )
        # Text-space embeddings are computed on the prefetch thread, so from a copy on the CPU.
        features = InputFeatures(deepcopy(module.input_projection), job.zero_shot, lam)
        optimiser = adamw(module.parameters(), config.lr, config.weight_decay)
        self.network: Any
        self.optimiser: Any
        self.network, self.optimiser = fabric.setup(module, optimiser)
        if self.at.optimiser:
            self.optimiser.load_state_dict(self.at.optimiser)
        self.events = (
            Events(job.out / "tensorboard", len(self.at.history.steps)) if self.leads else _NO_EVENTS
        )
        self.prepare = Collate(
            job.store, features, config.n_masks, config.max_windows, config.group, job.encoder
        )
        self.saved = time.perf_counter()

    @property
    def leads(self) -> bool:
        return bool(self.fabric.is_global_zero)

    def epoch(self) -> None:
        """Run the remaining steps of the current epoch, then compute metrics and write a checkpoint."""
        config, at = self.job.config, self.at
        probability = mixing_probability(at.epoch, config.epochs, config.mixing)
        generator = torch.Generator().manual_seed(seed_of("order", config.seed, at.epoch))
        proposals = self.job.store.proposals
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
            if time.perf_counter() - self.saved > self.job.save_every:
                self.save()
        self.finish(time.perf_counter() - began, batches.waited, size)

    def step(self, batch: Any, indices: IndexBatch) -> None:
        """Update the weights with a batch."""
        config, at = self.job.config, self.at
        number = at.epoch * self.per_epoch + at.step
        steps = config.epochs * self.per_epoch
        factor = rate_factor(number, steps, round(config.warmup * steps), config.schedule)
        set_rates(self.optimiser, factor)
        rate = config.lr * factor
        torch.manual_seed(seed_of("dropout", config.seed, number, self.fabric.global_rank))
        loss = batch_loss(self.network, batch, config.loss, config.false_negative_threshold)
        self.optimiser.zero_grad()
        self.fabric.backward(loss)
        if config.clip:
            nn.utils.clip_grad_norm_(self.module.parameters(), config.clip)
        self.optimiser.step()
        self.module.clamp()
        temperature = float(self.module.temperature.detach())
        value = float(loss.detach())
        if math.isnan(value):
            raise InputError(
                f"the loss is NaN at step {number}: lower lr (now {config.lr:g}) or set precision=32-true"
            )
        at.history.steps.append([number, at.epoch, value, rate, temperature, float(indices.mixed)])
        at.step += 1
        if self.job.progress is not None:
            self.job.progress(at.epoch, at.step)

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
        if self.job.measure is not None and self.leads:
            self.module.eval()
            with torch.no_grad():
                figures |= self.job.measure(self.module)
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
        save(self.job.out, self.at, self.begun)
        self.at.history.save(self.job.out)
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
