"""Regions by greedy merging: the most similar neighbours become one, until one is left.

After Arbelaez et al. (PAMI 2011); the similarities after Uijlings et al. (IJCV 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seac.segment.superpixels import Superpixels

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """How much each kind of difference speaks against merging two neighbours.

    Attributes:
        colour: distance of mean Lab.
        spread: chi-square distance of Lab histograms.
        edge: mean colour step along the common border.
        size: exponent of the smaller region's share of the picture; small regions merge early.
        deep: distance of mean network features, where there are any.
    """

    colour: float = 1.0
    spread: float = 30.0
    edge: float = 1.0
    size: float = 0.3
    deep: float = 0.0


@dataclass(frozen=True)
class Hierarchy:
    """All regions that merging passes through: R leaves, then R - 1 merged ones.

    Attributes:
        members: (2R - 1, R) bool, which superpixels a region holds.
        born: (2R - 1,) difference at which the region came to be (0 for leaves).
        died: (2R - 1,) difference at which it was merged away (the greatest of all for the last).
    """

    members: NDArray[np.bool_]
    born: Floats
    died: Floats


def merge(leaves: Superpixels, weights: Weights) -> Hierarchy:
    """Merge neighbours, most similar first. Dense rows: every step costs a few vectorised operations on R."""
    count = len(leaves)
    state = _State(leaves, weights)
    members = np.zeros((2 * count - 1, count), bool)
    members[:count] = np.eye(count, dtype=bool)
    born, died = np.zeros(2 * count - 1, np.float32), np.zeros(2 * count - 1, np.float32)
    node = np.arange(count)
    level = 0.0
    for new in range(count, 2 * count - 1):
        i, j, difference = state.closest()
        level = max(level, difference)
        members[new] = members[node[i]] | members[node[j]]
        died[node[i]] = died[node[j]] = born[new] = level
        node[i] = new
        state.join(i, j)
    died[-1] = level
    return Hierarchy(members, born, died)


class _State:
    """Sums of the regions alive, and the difference of every pair of neighbours."""

    def __init__(self, leaves: Superpixels, weights: Weights) -> None:
        self.weights = weights
        self.area = leaves.area.copy()
        self.total = float(leaves.area.sum())
        self.colour = leaves.colour.copy()
        self.spread = leaves.spread.copy()
        self.deep = leaves.deep.copy()
        self.length = leaves.length.copy()
        self.edge = leaves.edge.copy()
        count = len(leaves)
        self.difference = np.full((count, count), np.inf, np.float32)
        self.least = np.full(count, np.inf, np.float32)
        for row in range(count):
            self._measure(row)

    def closest(self) -> tuple[int, int, float]:
        """The two regions to merge next, and their difference."""
        i = int(self.least.argmin())
        j = int(self.difference[i].argmin())
        return i, j, float(self.difference[i, j])

    def join(self, i: int, j: int) -> None:
        """Region ``j`` becomes part of ``i``."""
        share = self.area[j] / (self.area[i] + self.area[j])
        self.colour[i] += share * (self.colour[j] - self.colour[i])
        self.spread[i] += share * (self.spread[j] - self.spread[i])
        self.deep[i] += share * (self.deep[j] - self.deep[i])
        self.area[i] += self.area[j]
        for sums in (self.length, self.edge):
            sums[i] += sums[j]
            sums[i, i] = sums[i, j] = 0
            sums[:, i] = sums[i]
            sums[j] = sums[:, j] = 0
        stale = np.flatnonzero((self.length[i] > 0) | (self.difference[j] < np.inf))
        self.difference[j] = self.difference[:, j] = self.difference[i] = self.difference[:, i] = np.inf
        self.least[j] = np.inf
        self.least[i] = np.inf
        self._measure(i)
        self.least[stale] = self.difference[stale].min(1)

    def _measure(self, i: int) -> None:
        near = np.flatnonzero(self.length[i])
        if len(near) == 0:
            return
        w = self.weights
        colour = np.sqrt(((self.colour[near] - self.colour[i]) ** 2).sum(1))
        there, here = self.spread[near], self.spread[i]
        spread = ((there - here) ** 2 / (there + here + 1e-6)).sum(1)
        edge = self.edge[i, near] / self.length[i, near]
        smaller = np.minimum(self.area[near], self.area[i]) / self.total
        value = w.colour * colour + w.spread * spread + w.edge * edge
        if w.deep:
            value = value + w.deep * np.sqrt(((self.deep[near] - self.deep[i]) ** 2).sum(1))
        value = value * smaller**w.size
        self.difference[i, near] = self.difference[near, i] = value
        self.least[near] = np.minimum(self.least[near], value)
        self.least[i] = value.min()
