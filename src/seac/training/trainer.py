"""Training of the association module on a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.associate.input_projection import InputFeatures
from seac.associate.model import AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.encoders.base import AudioEncoder
from seac.features.batch import TrainingStore
from seac.training.collate import Collate, CollatedBatch
from seac.training.config import TrainingConfig
from seac.training.fit_projection import fit_projection
from seac.training.history import History
from seac.training.run import Fabric, Phase, seed_of, train_phase
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

    def phase(self) -> Phase:
        """The run without what only the association needs."""
        return Phase(self.store, self.config, self.out, self.measure, self.progress, self.save_every)


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
    module, history = train_phase(job.phase(), lambda: AssociationObjective(job), fabric)
    assert isinstance(module, AssociationModule)
    best = history.best_epoch()
    return Fitted(module, history, job.config.epochs - 1 if best is None else best)


class AssociationObjective:
    """MICL or MSA-MICL of image-audio pairs; an :class:`~seac.training.run.Objective`."""

    def __init__(self, job: Fitting) -> None:
        self.job = job
        self.module = AssociationModule(
            job.config.association(job.store.mask_dim, job.store.audio_dim, job.zero_shot)
        )

    def fit_constants(self) -> None:
        """Fit the input projection to the store."""
        job, module = self.job, self.module
        if module.input_projection is not None:
            fit_projection(
                module.input_projection,
                job.store,
                lam=module.config.local_weight,
                n_masks=job.config.n_masks,
                seed=seed_of("projection", job.config.seed),
                zero_shot=job.zero_shot,
            )

    def collate(self) -> Collate:
        """Makes batches of masks and windows."""
        job, module = self.job, self.module
        # Text-space embeddings are computed on the prefetch thread, so from a copy on the CPU.
        features = InputFeatures(deepcopy(module.input_projection), job.zero_shot, module.config.local_weight)
        config = job.config
        return Collate(job.store, features, config.n_masks, config.max_windows, config.group, job.encoder)

    def loss(self, network: Callable[..., Any], batch: CollatedBatch, generator: torch.Generator) -> Tensor:
        """The loss of the batch of all ranks."""
        config = self.job.config
        return batch_loss(network, batch, config.loss, config.false_negative_threshold)

    def constrain(self) -> float:
        """Clamp the temperature and return it."""
        self.module.clamp()
        return float(self.module.temperature.detach())
