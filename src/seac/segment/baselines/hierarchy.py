"""Region hierarchy by greedy merging of the most similar neighbours (Arbelaez et al., PAMI 2011).

The similarities follow Uijlings et al. (IJCV 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seac.segment.baselines.superpixels import Superpixels

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class MergeWeights:
    """Weights of the differences of two neighbours, by which regions are merged.

    Attributes:
        colour: distance of mean Lab colours.
        spread: chi-square distance of Lab histograms.
        edge: mean colour step along the common border.
        size: exponent of the smaller region's share of the image; small regions merge early.
    """

    colour: float = 1.0
    spread: float = 30.0
    edge: float = 1.0
    size: float = 0.3


@dataclass(frozen=True)
class Hierarchy:
    """All regions of the merge tree: R leaves, then R - 1 merged regions.

    Attributes:
        members: (2R - 1, R) bool, superpixels of each region.
        birth: (2R - 1,) difference at which the region was created (0 for leaves).
        death: (2R - 1,) difference at which the region was merged (the maximum for the last region).
    """

    members: NDArray[np.bool_]
    birth: Floats
    death: Floats


def merge(leaves: Superpixels, weights: Sequence[MergeWeights]) -> list[Hierarchy]:
    """A hierarchy for each of ``weights``, all grown at once: a step costs as many calls as for one."""
    trees, count = np.arange(len(weights)), len(leaves)
    state = _State(leaves, weights)
    members = np.zeros((len(trees), 2 * count - 1, count), bool)
    members[:, :count] = np.eye(count, dtype=bool)
    birth, death = np.zeros((2, len(trees), 2 * count - 1))
    node = np.tile(np.arange(count), (len(trees), 1))
    level = np.zeros(len(trees))
    for new in range(count, 2 * count - 1):
        i, j, difference = state.closest()
        level = np.maximum(level, difference)
        one, other = node[trees, i], node[trees, j]
        members[:, new] = members[trees, one] | members[trees, other]
        death[trees, one] = death[trees, other] = birth[:, new] = level
        node[trees, i] = new
        state.merge(i, j)
    death[:, -1] = level
    return [
        Hierarchy(members[tree], birth[tree].astype(np.float32), death[tree].astype(np.float32))
        for tree in trees
    ]


class _State:
    """State of K trees: (K, R) and (K, R, R) arrays; a merged region takes the index of its first part.

    Squared distances of means are updated from those of the parts (Lance and Williams, 1967).
    """

    def __init__(self, leaves: Superpixels, weights: Sequence[MergeWeights]) -> None:
        k = len(weights)
        self.trees = np.arange(k)
        self.weights = {
            name: np.array([getattr(each, name) for each in weights])
            for name in ("colour", "spread", "edge", "size")
        }
        self.total = float(leaves.area.sum())
        self.area = np.tile(leaves.area.astype(np.float64), (k, 1))
        self.spread = np.tile(leaves.spread.astype(np.float64), (k, 1, 1))
        self.length = np.tile(leaves.length.astype(np.float64), (k, 1, 1))
        self.edge = np.tile(leaves.edge.astype(np.float64), (k, 1, 1))
        self.colour = np.tile(_pairwise_distances(leaves.colour), (k, 1, 1))
        self.difference = np.full_like(self.length, np.inf)
        one, other = np.nonzero(leaves.length)
        self.difference[:, one, other] = self._measure(self.trees[:, None], one[None], other[None])
        self.min_difference = self.difference.min(2)

    def closest(self) -> tuple[Indices, Indices, Doubles]:
        """Return the two regions of each tree to merge next, and their difference: (K,) each."""
        i = self.min_difference.argmin(1)
        j = self.difference[self.trees, i].argmin(1)
        return i, j, self.difference[self.trees, i, j]

    def merge(self, i: Indices, j: Indices) -> None:
        """Merge region ``j`` (K,) of each tree into region ``i`` (K,)."""
        t = self.trees
        area = self.area[t, i] + self.area[t, j]
        share = (self.area[t, j] / area)[:, None]
        between = share * (1 - share) * self.colour[t, i, j][:, None]
        merged = (1 - share) * self.colour[t, i] + share * self.colour[t, j] - between
        self.colour[t, i] = self.colour[t, :, i] = np.maximum(merged, 0)
        self.spread[t, i] += share * (self.spread[t, j] - self.spread[t, i])
        self.area[t, i] = area
        for sums in (self.length, self.edge):
            row = sums[t, i] + sums[t, j]
            row[t, i] = row[t, j] = 0
            sums[t, j] = sums[t, :, j] = 0
            sums[t, i] = sums[t, :, i] = row
        near = self.length[t, i] > 0
        stale = near | (self.difference[t, j] < np.inf)
        tree, other = np.nonzero(near)
        row = np.full(near.shape, np.inf)
        row[tree, other] = self._measure(tree, i[tree], other)
        self.difference[t, j] = self.difference[t, :, j] = np.inf
        self.difference[t, i] = self.difference[t, :, i] = row
        tree, row_of = np.nonzero(stale)
        self.min_difference[tree, row_of] = self.difference[tree, row_of].min(1)
        self.min_difference[t, j] = np.inf

    def _measure(self, tree: Indices, one: Indices, other: Indices) -> Doubles:
        """Return the differences of pairs of neighbours; the indices have any common shape."""
        w = self.weights
        here, there = self.spread[tree, one], self.spread[tree, other]
        spread = ((here - there) ** 2 / (here + there + 1e-6)).sum(-1)
        value = w["colour"][tree] * np.sqrt(self.colour[tree, one, other]) + w["spread"][tree] * spread
        value += w["edge"][tree] * self.edge[tree, one, other] / self.length[tree, one, other]
        smaller = np.minimum(self.area[tree, one], self.area[tree, other]) / self.total
        return np.asarray(value * smaller ** w["size"][tree])


def _pairwise_distances(means: Floats) -> Doubles:
    """Return the squared distances (R, R) of rows (R, C)."""
    rows = means.astype(np.float64)
    square = (rows**2).sum(1)
    return np.asarray(np.maximum(square[:, None] + square[None] - 2 * rows @ rows.T, 0))
