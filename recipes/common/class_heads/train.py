"""A network that tells kinds of one sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from recipes.common.class_heads.samples import LabelledSamples
from recipes.common.feature_cache import WHITENING, compute_pca
from recipes.common.optimiser import build_optimiser
from seac.encoders.class_heads import ClassHead

MEASURED = 40_000
"""At most so many embeddings give the principal components."""


@dataclass(frozen=True)
class Recipe:
    """How a network is learnt.

    Attributes:
        components: that the embedding is reduced to. width: of the hidden layer.
        steps: of ``batch`` embeddings.
        rate: of AdamW, after a short rise, falling to 0. decay: its weight decay.
        dropped: share of the inputs' values that is hidden at each step.
        smoothing: of labels; what a network is less sure of leaves more to words that were never taught.
    """

    components: int
    width: int = 256
    steps: int = 600
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.05
    dropped: float = 0.3
    smoothing: float = 0.2


RECIPES = {"image": Recipe(components=320), "audio": Recipe(components=192)}


def learn(samples: LabelledSamples, kinds: Sequence[str], recipe: Recipe, seed: int) -> ClassHead:
    """The network after all steps; deterministic by the seed.

    Args:
        samples: embeddings with names; those of kinds that are not taught are left alone.
        kinds: that are taught, in the order of the network's answers.
        recipe: how.
        seed: of initial weights, batches and dropout.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    known = samples.known(kinds)
    unit = functional.normalize(known[:: 1 + len(known) // MEASURED].float(), dim=1)
    mean, basis = compute_pca(unit, recipe.components, WHITENING)
    network = ClassHead(mean, basis, recipe.width, len(kinds)).train()
    optimiser, schedule = build_optimiser(network, recipe.steps, recipe.rate, recipe.decay)
    sample_batch = samples.make_sampler(kinds)
    for _ in range(recipe.steps):
        embeddings, targets = sample_batch(recipe.batch, rng)
        logits = network(functional.dropout(network.project(embeddings), recipe.dropped))
        loss = functional.cross_entropy(logits, targets, label_smoothing=recipe.smoothing)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network.eval()
