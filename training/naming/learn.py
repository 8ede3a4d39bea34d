"""A network that tells kinds: all drawn alike, and of each its pictures alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seac.classify.kinds import KindNetwork
from training.association.learn import descent
from training.association.library import SILENT
from training.association.stock import WHITENING, principal


@dataclass(frozen=True)
class Recipe:
    """How a network is learnt.

    Attributes:
        steps: of ``batch`` embeddings.
        rate: of AdamW, after a short rise, falling to 0. decay: its weight decay.
        components: that the embedding is reduced to. width: of the hidden layer.
        dropped: share of the inputs' values that is hidden at each step.
        smoothing: of labels; what a network is less sure of leaves more to words that were never taught.
        none: share of a batch that is of no kind, where there is such.
    """

    steps: int = 600
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.05
    components: int = 320
    width: int = 256
    dropped: float = 0.3
    smoothing: float = 0.2
    none: float = 0.15


@dataclass(frozen=True)
class Lessons:
    """Embeddings with names.

    Attributes:
        embeddings: (n, d), of n looks at a thing.
        kinds: what each is of, SILENT for a thing of no kind.
        files: the cut-out that it was made of.
    """

    embeddings: Tensor
    kinds: tuple[str, ...]
    files: tuple[str, ...]

    def names(self) -> list[str]:
        """All kinds, sorted."""
        return sorted(set(self.kinds) - {SILENT})

    def rows(self) -> dict[str, list[np.ndarray]]:
        """Of each kind the rows of each of its files."""
        found: dict[str, dict[str, list[int]]] = {}
        for row, (kind, file) in enumerate(zip(self.kinds, self.files, strict=True)):
            found.setdefault(kind, {}).setdefault(file, []).append(row)
        return {kind: [np.array(rows) for rows in files.values()] for kind, files in found.items()}


def learn(lessons: Lessons, kinds: Sequence[str], recipe: Recipe, seed: int) -> KindNetwork:
    """The network after all steps; deterministic by the seed.

    Args:
        lessons: embeddings with names; those of kinds that are not taught are left alone.
        kinds: that are taught, in the order of the network's answers.
        recipe: how.
        seed: of initial weights, batches and dropout.
    """
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    rows = lessons.rows()
    taught = np.concatenate([part for kind in (*kinds, SILENT) for part in rows.get(kind, [])])
    unit = functional.normalize(lessons.embeddings[taught].float(), dim=1)
    mean, basis = principal(unit, recipe.components, WHITENING)
    network = KindNetwork(mean, basis, recipe.width, len(kinds)).train()
    optimiser, schedule = descent(network, recipe.steps, recipe.rate, recipe.decay)
    names = [*kinds, SILENT]
    none = recipe.none if SILENT in rows else 0.0
    for _ in range(recipe.steps):
        labels = draw.integers(len(kinds), size=recipe.batch)
        labels[draw.random(recipe.batch) < none] = len(kinds)
        chosen = [one_of(rows[names[label]], draw) for label in labels]
        given = network.reduced(lessons.embeddings[chosen])
        logits = network(functional.dropout(given, recipe.dropped))
        loss = functional.cross_entropy(logits, torch.from_numpy(labels), label_smoothing=recipe.smoothing)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network.eval()


def one_of(files: Sequence[np.ndarray], draw: np.random.Generator) -> int:
    """A row of any of the files: one with many rows does not outweigh one with few."""
    rows = files[int(draw.integers(len(files)))]
    return int(rows[draw.integers(len(rows))])
