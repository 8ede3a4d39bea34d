"""Names of classes that the class heads do not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.names.scoring import Benchmark, replaced, scores_of
from seac.encoders.class_heads import ClassHead, ClassHeads, network_of
from seac.encoders.labels.sound_sources import source_names

MIN_MASKS = 5
"""Masks of a source that is left out."""


LEFT_OUT_HEADS = (
    *("source", "masks", "appearance", "left out", "own"),
    *("left out, own, no parents", "left out, own", "left out, own, or parent"),
)


def left_out_rows(benchmark: Benchmark, scores: Mapping[str, Tensor]) -> list[tuple[object, ...]]:
    """Shares of right names of the masks of each source, with and without the source in the class heads."""
    sources = torch.tensor(benchmark.named.sources)
    abstention = benchmark.classifier.settings.abstention
    counts = Counter(benchmark.named.sources)
    found: list[tuple[int, NDArray[np.float64]]] = []
    names: list[str] = []
    for source in sorted(counts, key=lambda each: source_names()[each]):
        if counts[source] < MIN_MASKS:
            continue
        rows = (sources == source).nonzero()[:, 0].tolist()
        part = replace(benchmark, named=benchmark.named.part(rows))
        known = {name: each[rows] for name, each in scores.items()}
        heads = without(benchmark.classifier.class_heads, source_names()[source])
        left_out = scores_of(part.named, replaced(benchmark.classifier, class_heads=heads), part.classes)
        values = [
            part.hits(known, "appearance", abstention)[0].mean(),
            part.hits(left_out, "appearance", abstention)[0].mean(),
            part.hits(known, "own", abstention)[0].mean(),
            part.hits(left_out, "own", None)[0].mean(),
            *(each.mean() for each in part.hits(left_out, "own", abstention)[:2]),
        ]
        found.append((counts[source], np.array(values)))
        names.append(source_names()[source])
    weights = [count for count, _ in found]
    mean = np.average([values for _, values in found], axis=0, weights=weights)
    rows_by_name = [("all", sum(weights), mean)]
    rows_by_name += [(name, count, values) for name, (count, values) in zip(names, found, strict=True)]
    return [(name, count, *(f"{value:.3f}" for value in values)) for name, count, values in rows_by_name]


def without(class_heads: ClassHeads, name: str) -> ClassHeads:
    """Class heads that do not know a class."""
    weights = class_heads.weights
    kept = [row for row, each in enumerate(weights.names) if each != name]
    networks = {modality: head_without(network, kept) for modality, network in weights.networks.items()}
    names = tuple(weights.names[row] for row in kept)
    return ClassHeads(replace(weights, networks=networks, names=names), class_heads.vectors[kept])


def head_without(network: ClassHead, kept: list[int]) -> ClassHead:
    """A head with the classes ``kept`` only, and "none" where it has that."""
    state = dict(network.state_dict())
    outputs = [*kept, *([network.classify.out_features - 1] if network.exclusive else [])]
    state["membership"] = state["membership"][:, kept]
    for part in ("weight", "bias"):
        state[f"classify.{part}"] = state[f"classify.{part}"][outputs]
    return network_of(state, exclusive=network.exclusive)
