"""Training of a sounding head on the pairs of a store, after the association.

The association is frozen. Each frame of a batch is compared with its own audio (or the mixture with it), with
other audio of the batch, and with silence or noise. The best epoch is the one that best tells own from other
audio on held-out clips, to which the calibration is then fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.associate.input_projection import InputFeatures
from seac.associate.losses import Frozen, false_negatives, text_false_negatives
from seac.associate.model import AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError
from seac.decision.sounding_network import SoundingConfig, SoundingInputs, SoundingNetwork, SoundingOutputs
from seac.decision.trained_head import TrainedHeadWeights
from seac.encoders.base import AudioEncoder
from seac.encoders.pca import compute_pca
from seac.features.batch import TrainingStore
from seac.training.collate import Collate, CollatedBatch
from seac.training.config import TrainingConfig
from seac.training.held_out_pairs import HeldOutPairs
from seac.training.history import History
from seac.training.run import Fabric, Phase, train_phase
from seac.training.sounding_comparison import Clips, Comparison, as_float, stacked, tensors_of
from seac.training.sounding_loss import CONTRASTIVE, PairTargets, pair_loss, tower_loss

FOLDER = "sounding"
"""Subfolder of a run for the checkpoint and the tables of this phase."""
PURPOSE = "sounding "
LEAD = 3.0
"""First weight of the distance from the best similarity, in units in which the spread is 1 / 3."""
IMAGE_COMPONENTS, AUDIO_COMPONENTS = 128, 64
MIN_HELD_OUT = 4
"""Least number of held-out clips for a calibration."""
METRIC = "held-out own against other audio"


@dataclass(frozen=True)
class HeadFitting:
    """A run to start or resume.

    Attributes:
        store: training features, with the geometry of masks.
        held_out: features of clips that neither the association nor the head is trained on.
        config: configuration of the association's training; see :meth:`TrainingConfig.sounding`.
        out: folder of the run.
        encoder: the audio encoder of the store.
        association: the trained association.
        digest: its SHA-256.
        zero_shot: text space of the encoders; None if the association's input has none.
        progress: called with epoch and step after every step.
        save_every: seconds between checkpoints within an epoch.
    """

    store: TrainingStore
    held_out: TrainingStore
    config: TrainingConfig
    out: Path
    encoder: AudioEncoder
    association: AssociationModule
    digest: str
    zero_shot: ZeroShot | None = None
    progress: Callable[[int, int], None] | None = None
    save_every: float = 300.0

    @property
    def phase_config(self) -> TrainingConfig:
        """Configuration of this phase."""
        return self.config.sounding(self.store.proposals)

    def collate(self, store: TrainingStore) -> Collate:
        """Makes batches with the views of the masks."""
        config, module = self.phase_config, self.association
        features = InputFeatures(module.input_projection, self.zero_shot, module.config.local_weight)
        encoder = self.encoder if config.mixing else None
        return Collate(
            *(store, features, config.n_masks, config.max_windows, config.group, encoder),
            views=True,
            zero_shot=self.zero_shot if config.zero_shot_weight else None,
        )


@dataclass(frozen=True)
class HeadFitted:
    """The result of a run.

    Attributes:
        weights: of the best epoch, with their calibration.
        history: of the phase.
        epoch: epoch of the weights, from 0.
        figures: of the calibration on the half of the held-out clips that it was not fitted to.
    """

    weights: TrainedHeadWeights
    history: History
    epoch: int
    figures: Mapping[str, float]


def train_head(job: HeadFitting, fabric: Fabric) -> HeadFitted:
    """Train until the last epoch; an interrupted run is resumed.

    Raises:
        InputError: too few samples or held-out clips, or a run with other settings or another association.
    """
    check_held_out(job.held_out)
    folder = job.out / FOLDER
    folder.mkdir(exist_ok=True)
    job.association.eval().requires_grad_(False)
    seed = job.config.seed
    comparison = Comparison.of(job.association, job.collate(job.store), job.encoder, seed)
    pairs = HeldOutPairs(job.collate(job.held_out), comparison, seed)
    phase = Phase(
        job.store,
        job.phase_config,
        folder,
        lambda module: {METRIC: pairs.auroc(module.network)},
        job.progress,
        job.save_every,
        {"association": job.digest},
    )
    module, history = train_phase(phase, lambda: SoundingObjective(job, comparison, fabric), fabric, PURPOSE)
    assert isinstance(module, TensorNetwork)
    network = module.network.eval().requires_grad_(False)
    constants, figures = pairs.calibrate(network)
    best = history.best_epoch()
    assert best is not None
    provenance = {**job.store.provenance, "preset": job.store.preset}
    weights = TrainedHeadWeights(network, job.digest, comparison.scale, constants, provenance)
    return HeadFitted(weights, history, best, figures)


def check_held_out(store: TrainingStore) -> None:
    """Check that there are enough held-out clips.

    Raises:
        InputError: there are fewer than :data:`MIN_HELD_OUT` with masks.
    """
    count = int((store.proposals > 0).any(dim=1).sum()) if len(store) else 0
    if count < MIN_HELD_OUT:
        raise InputError(
            f"{count} clips are held out, and the calibration of a sounding head needs at least "
            f"{MIN_HELD_OUT}: give more clips, --set held_out=.3, or --no-sounding-head"
        )


class TensorNetwork(nn.Module):
    """The network with tensors in place of dataclasses, which Fabric does not take."""

    def __init__(self, config: SoundingConfig) -> None:
        super().__init__()
        self.network = SoundingNetwork(config)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Values of :class:`SoundingOutputs`, as float32, from values of :class:`SoundingInputs`."""
        return tensors_of(as_float(self.network(SoundingInputs(*inputs))))


@torch.no_grad()
def start_from_similarity(network: SoundingNetwork) -> None:
    """Initialise the logits of masks to their similarity, and to its distance from the best of the frame.

    Pairs say whether anything sounds, hardly which mask. From random weights the first epochs learn the
    former alone, and all masks of a frame have equal logits.
    """
    network.mask_logit.weight.zero_()
    network.evidence_logit.weight.copy_(torch.tensor([[LEAD, 0.0, 1.0]]))
    network.evidence_logit.bias.zero_()


class SoundingObjective:
    """Pairs of frames with own audio, other audio and noise; an :class:`~seac.training.run.Objective`."""

    def __init__(self, job: HeadFitting, comparison: Comparison, fabric: Fabric) -> None:
        self.job, self.comparison = job, comparison
        self.threshold = job.config.false_negative_threshold
        job.association.to(fabric.device)
        sample = comparison.sample
        self.module = TensorNetwork(
            SoundingConfig(
                *(job.store.mask_dim, job.store.audio_dim, 0, 0),
                image_components=min(IMAGE_COMPONENTS, *sample.masks.local.shape),
                audio_components=min(AUDIO_COMPONENTS, *sample.audio.embeddings.shape),
            )
        )
        start_from_similarity(self.module.network)

    @torch.no_grad()
    def fit_constants(self) -> None:
        """Fit the projections to the store."""
        module, sample = self.module.network, self.comparison.sample
        config = module.config
        for rows, count, mean, basis in (
            (sample.masks.local, config.image_components, module.image_mean, module.image_basis),
            (sample.audio.embeddings, config.audio_components, module.audio_mean, module.audio_basis),
        ):
            fitted = compute_pca(functional.normalize(rows, dim=1), count)
            mean.copy_(fitted[0])
            basis.copy_(fitted[1])

    def collate(self) -> Collate:
        """Makes batches of masks with their views, and of windows."""
        return self.job.collate(self.job.store)

    def loss(self, network: Callable[..., Any], batch: CollatedBatch, generator: torch.Generator) -> Tensor:
        """The loss of this rank's frames."""
        compare, frames, count = self.comparison, len(batch.masks), len(batch.windows)
        masks, clips = compare.masks(batch), compare.clips(batch)
        ignored = likely_matches(batch.frozen, batch.groups, count, self.threshold)
        other, weight = draw_others(batch.groups, ignored, generator)
        noise = torch.randint(len(compare.noise), (frames,), generator=generator)
        parts = [
            compare.inputs(batch, masks, Clips(each.embedding[rows], each.shared[rows]))
            for each, rows in (
                (clips, batch.groups),
                (clips, other),
                (compare.noise_clips(noise, masks.device), torch.arange(frames)),
            )
        ]
        inputs = stacked(parts)
        outputs = SoundingOutputs(*network(*tensors_of(inputs)))
        one = torch.ones_like(weight)
        targets = PairTargets(torch.cat([one, 0 * one, 0 * one]) > 0, torch.cat([one, weight, 0.5 * one]))
        own = SoundingOutputs(
            *(part[:frames] for part in (outputs.logits, outputs.null, outputs.masks, outputs.audio))
        )
        towers = tower_loss(own, batch.groups, self.module.network.scale, ignored, batch.mask_padding)
        return pair_loss(outputs, targets, inputs.padding) + CONTRASTIVE * towers

    def constrain(self) -> float:
        """Limit the temperature to .01 or more and return it."""
        scale = self.module.network.scale
        with torch.no_grad():
            scale.clamp_(0.0, 4.6)
        return float((-scale.detach()).exp())


def likely_matches(frozen: Frozen, groups: Tensor, count: int, threshold: float) -> Tensor:
    """Pairs of a frame and a waveform of another clip that likely match: (B, K) bool."""
    find = false_negatives if frozen.audio_text is None else text_false_negatives
    return find(frozen, groups, count, threshold)


def draw_others(groups: Tensor, ignored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Another waveform for every frame: (B,) int64, and its weight (B,), 0 where it likely matches.

    Args:
        groups: (B,) the waveform of each frame.
        ignored: (B, K) bool, see :func:`likely_matches`.
        generator: of the draws.
    """
    count = ignored.shape[1]
    steps = torch.randint(1, max(2, count), (len(groups),), generator=generator).to(groups.device)
    other = (groups + steps) % count
    fits = ignored.gather(1, other[:, None])[:, 0] | (other == groups)
    return other, (~fits).float()
