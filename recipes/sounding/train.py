"""Training of the sounding head.

The loss has four terms: binary cross-entropy per mask and of the null logit, multiple-instance cross-entropy
of pictures with a label and no region (one of the masks sounds), a softmax over the masks of a scene that
ranks sounding masks first, and MSA-MICL (Eq. 8) of the two towers over the pairs of a batch.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recipes.sounding.scenes import SceneSampler, Targets
from recipes.sounding.store import Store
from seac.decision.sounding_network import (
    PADDED_LOGIT,
    SoundingConfig,
    SoundingInputs,
    SoundingNetwork,
    SoundingOutputs,
)
from seac.encoders.labels.sound_sources import group_matrix
from seac.encoders.pca import compute_pca
from seac.training.ema import ExponentialMovingAverage
from seac.training.schedule import adamw, rate_factor, set_rates
from seac.training.sounding_loss import bag_loss as one_sounds

POSITIVE = 2.5
"""Weight of a sounding mask in the loss; another mask has weight 1."""
NULL, BAG, RANKING, CONTRASTIVE = 0.5, 0.5, 0.5, 0.15
"""Weights of the terms; the cross-entropy of the masks has weight 1."""
MASKS = 4.0
"""Number of masks by which the sum of their cross-entropies is divided."""
TINY = 1e-5
PCA_ROWS = 20_000


@dataclass(frozen=True)
class HeadTraining:
    """Settings of a training run.

    Attributes:
        steps: number of steps.
        batch: scenes a step.
        rate: peak learning rate, with a cosine schedule.
        decay: weight decay of AdamW.
        warmup: steps of the warm-up.
        average: decay of the exponential moving average of the weights.
        clip: maximum norm of the gradient.
        seed: of initial weights, scenes and dropout.
    """

    steps: int = 3000
    batch: int = 48
    rate: float = 1.2e-3
    decay: float = 0.05
    warmup: int = 100
    average: float = 0.998
    clip: float = 2.0
    seed: int = 0


def compute_loss(network: SoundingNetwork, inputs: SoundingInputs, targets: Targets) -> dict[str, Tensor]:
    """Return the terms of the loss, each a scalar."""
    outputs = network(inputs)
    probability = outputs.log_odds().sigmoid().clamp(TINY, 1 - TINY)
    return {
        "masks": mask_loss(probability, targets, inputs.padding),
        "null": functional.binary_cross_entropy_with_logits(outputs.null, 1 - targets.visible, targets.known),
        "bag": bag_loss(probability, targets),
        "ranking": ranking_loss(outputs.logits, targets, inputs.padding),
        "contrastive": contrastive_loss(outputs, network.scale.exp(), targets, inputs.padding),
    }


def total_of(terms: dict[str, Tensor]) -> Tensor:
    """The weighted sum of the terms."""
    return (
        terms["masks"]
        + NULL * terms["null"]
        + BAG * terms["bag"]
        + RANKING * terms["ranking"]
        + CONTRASTIVE * terms["contrastive"]
    )


def mask_loss(probability: Tensor, targets: Targets, padding: Tensor) -> Tensor:
    """Weighted cross-entropy of the masks (B, N)."""
    weight = targets.weight * (1 + (POSITIVE - 1) * targets.sounds) * ~padding
    entropy = functional.binary_cross_entropy(probability, targets.sounds, reduction="none")
    return (entropy * weight).sum(1).mean() / MASKS


def bag_loss(probability: Tensor, targets: Targets) -> Tensor:
    """Cross-entropy of "one of these masks sounds" (noisy-or), for masks (B, N) with a label."""
    found = one_sounds(probability, targets.bags == 0)
    return found[targets.bags.any(1)].sum() / len(probability)


def ranking_loss(logits: Tensor, targets: Targets, padding: Tensor) -> Tensor:
    """Negative log-share of the sounding masks, by their fit, in a softmax over the masks of each scene."""
    has_sound = ((targets.sounds * targets.weight) > 0).any(1)
    if not has_sound.any():
        return logits.new_zeros(())
    logits = logits.masked_fill(padding | (targets.weight <= 0), PADDED_LOGIT)[has_sound]
    sounding = logits + 2 * torch.log(targets.sounds[has_sound] + TINY)
    return (torch.logsumexp(logits, 1) - torch.logsumexp(sounding, 1)).mean()


def contrastive_loss(outputs: SoundingOutputs, scale: Tensor, targets: Targets, padding: Tensor) -> Tensor:
    """MSA-MICL of scenes in which something sounds, without pairs of scenes that share a source."""
    rows = (targets.visible > 0).nonzero()[:, 0]
    cosine = torch.einsum("ind,jd->ijn", outputs.masks[rows], outputs.audio[rows])
    similarity = scale * cosine.masked_fill(padding[rows][:, None], -1).amax(-1)
    audible = targets.audible[rows].float()
    same = (audible @ audible.T > 0) & ~torch.eye(len(rows), dtype=torch.bool)
    similarity = similarity.masked_fill(same, -30)
    own = torch.arange(len(rows))
    return (functional.cross_entropy(similarity, own) + functional.cross_entropy(similarity.T, own)) / 2


def build_network(store: Store, classes: int) -> SoundingNetwork:
    """An untrained network with the principal components of the store's embeddings."""
    masks, clips = store.mask_embeddings(), store.clips.embeddings.float()
    groups = group_matrix()
    network = SoundingNetwork(SoundingConfig(masks.shape[1], clips.shape[1], classes, groups.shape[1]))
    config = network.config
    for part, count, name in (
        (masks, config.image_components, "image"),
        (clips, config.audio_components, "audio"),
    ):
        unit = functional.normalize(part[:: 1 + len(part) // PCA_ROWS], dim=1)
        mean, basis = compute_pca(unit, count)
        getattr(network, f"{name}_mean").copy_(mean)
        getattr(network, f"{name}_basis").copy_(basis)
    network.group_of.copy_(groups)
    return network


def train_sounding_head(
    network: SoundingNetwork, sampler: SceneSampler, training: HeadTraining
) -> SoundingNetwork:
    """Train a network; returns it with averaged weights, in evaluation mode."""
    optimiser = adamw(network.parameters(), training.rate, training.decay)
    average = ExponentialMovingAverage(network, training.average)
    sums: dict[str, float] = {}
    start = time.monotonic()
    network.train()
    for step in range(training.steps):
        set_rates(optimiser, rate_factor(step, training.steps, training.warmup))
        terms = compute_loss(network, *sampler.batch(training.batch))
        optimiser.zero_grad()
        total_of(terms).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), training.clip)
        optimiser.step()
        average.update(network, step + 1)
        sums = {name: sums.get(name, 0.0) + float(term.detach()) for name, term in terms.items()}
        if (step + 1) % 250 == 0:
            means = {name: round(value / 250, 3) for name, value in sums.items()}
            print(json.dumps({"step": step + 1, **means, "s": round(time.monotonic() - start)}), flush=True)
            sums = {}
    network.load_state_dict(average.state)
    return network.eval()
