"""Training of the class head of one modality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from recipes.class_heads.samples import LabelledSamples
from seac.encoders.class_heads import ClassHead
from seac.encoders.pca import compute_pca
from seac.training.schedule import adamw, rate_factor, set_rates

MAX_PCA = 40_000
"""Maximum number of embeddings for fitting the principal components."""
WARMUP = 0.1
"""Warm-up as a share of the steps."""


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run.

    Attributes:
        components: number of principal components of the embedding.
        width: width of the hidden layer.
        steps: number of steps.
        batch: embeddings per step.
        rate: peak learning rate of AdamW, with a cosine schedule.
        decay: weight decay of AdamW.
        input_dropout: share of the input values that is zeroed at each step.
        smoothing: label smoothing; a less confident head leaves more weight to classes without training
            samples.
    """

    components: int
    width: int = 256
    steps: int = 600
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.05
    input_dropout: float = 0.3
    smoothing: float = 0.2


RECIPES = {"image": Recipe(components=320), "audio": Recipe(components=192)}


def train(samples: LabelledSamples, classes: Sequence[str], recipe: Recipe, seed: int) -> ClassHead:
    """Train a head; the result is a function of the seed.

    Args:
        samples: labelled embeddings; embeddings of other classes are not used.
        classes: class names in the order of the outputs of the head.
        recipe: settings of the run.
        seed: seed of the initial weights, batches and dropout.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    known = samples.known(classes)
    unit = functional.normalize(known[:: 1 + len(known) // MAX_PCA].float(), dim=1)
    mean, basis = compute_pca(unit, recipe.components)
    network = ClassHead(mean, basis, recipe.width, len(classes)).train()
    optimiser = adamw(network.parameters(), recipe.rate, recipe.decay)
    sample_batch = samples.make_sampler(classes)
    for step in range(recipe.steps):
        set_rates(optimiser, rate_factor(step, recipe.steps, WARMUP * recipe.steps))
        embeddings, targets = sample_batch(recipe.batch, rng)
        logits = network(functional.dropout(network.project(embeddings), recipe.input_dropout))
        loss = functional.cross_entropy(logits, targets, label_smoothing=recipe.smoothing)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network.eval()
