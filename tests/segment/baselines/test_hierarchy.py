"""Properties of superpixels and region hierarchies for any image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from seac.segment.baselines.hierarchy import Hierarchy, MergeWeights, merge
from seac.segment.baselines.superpixels import Superpixels, describe, segment_superpixels

WEIGHTS = MergeWeights(1, 10, 1, 0.5)


def patchwork(seed: int = 0, side: int = 64) -> np.ndarray:
    generator = np.random.default_rng(seed)
    blocks = generator.integers(0, 256, (4, 4, 3)).repeat(side // 4, 0).repeat(side // 4, 1)
    return (blocks + generator.integers(-6, 7, blocks.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def leaves() -> Superpixels:
    return segment_superpixels(patchwork(), 60, 10)


@pytest.fixture(scope="module")
def tree(leaves: Superpixels) -> Hierarchy:
    return merge(leaves, (WEIGHTS,))[0]


def test_every_pixel_belongs_to_one_superpixel(leaves: Superpixels) -> None:
    assert set(np.unique(leaves.labels)) == set(range(len(leaves)))
    assert leaves.area.sum() == leaves.labels.size
    assert len(leaves) > 4


def test_borders_are_counted_from_both_sides(leaves: Superpixels) -> None:
    np.testing.assert_array_equal(leaves.length, leaves.length.T)
    np.testing.assert_allclose(leaves.edge, leaves.edge.T)
    right = (leaves.labels[:, :-1] != leaves.labels[:, 1:]).sum()
    down = (leaves.labels[:-1] != leaves.labels[1:]).sum()
    assert leaves.length.sum() == 2 * (right + down)
    assert not leaves.length.diagonal().any()


def test_every_region_is_connected(leaves: Superpixels, tree: Hierarchy) -> None:
    for members in tree.members:
        assert label(members[leaves.labels], np.ones((3, 3)))[1] == 1


def test_regions_are_nested_or_disjoint(tree: Hierarchy) -> None:
    both = tree.members.astype(int) @ tree.members.T.astype(int)
    size = tree.members.sum(1)
    smaller = np.minimum(size[:, None], size[None])
    assert ((both == 0) | (both == smaller)).all()


def test_the_last_region_is_the_full_image(tree: Hierarchy) -> None:
    assert tree.members[-1].all()
    assert len(np.unique(np.packbits(tree.members, axis=1), axis=0)) == len(tree.members)


def test_the_death_of_a_region_follows_its_birth(tree: Hierarchy) -> None:
    assert (tree.death >= tree.birth).all()


def test_the_most_similar_neighbours_are_merged_first() -> None:
    lab = np.zeros((4, 9, 3), np.float32)
    labels = np.repeat([[0] * 3 + [1] * 3 + [2] * 3], 4, 0).astype(np.int64)
    lab[:, 3:6, 0], lab[:, 6:, 0] = 40, 50
    tree = merge(describe(lab, labels), (WEIGHTS,))[0]
    assert tree.members[3].tolist() == [False, True, True]


def difference(leaves: Superpixels, one: np.ndarray, other: np.ndarray, weights: MergeWeights) -> float:
    """Return the difference of two sets of superpixels, computed from means; infinite if not adjacent."""
    length = leaves.length[np.ix_(one, other)].sum()
    if length == 0:
        return np.inf
    size = [leaves.area[rows].sum() for rows in (one, other)]

    def mean_of_each(rows: np.ndarray) -> np.ndarray:
        means = [
            leaves.area[k] @ rows[k].astype(np.float64) / s for k, s in zip((one, other), size, strict=True)
        ]
        return np.stack(means)

    colour, spread = (mean_of_each(rows) for rows in (leaves.colour, leaves.spread))
    value = weights.colour * np.linalg.norm(colour[0] - colour[1])
    value += weights.spread * ((spread[0] - spread[1]) ** 2 / (spread[0] + spread[1] + 1e-6)).sum()
    value += weights.edge * leaves.edge[np.ix_(one, other)].sum() / length
    return float(value * (min(size) / leaves.area.sum()) ** weights.size)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_trees_grown_together_equal_naive_greedy_merging(seed: int) -> None:
    leaves = segment_superpixels(patchwork(seed), 60, 10)
    all_weights = (MergeWeights(1, 10, 1, 0.5), MergeWeights(0.3, 30, 2, 0.2))
    for weights, tree in zip(all_weights, merge(leaves, all_weights), strict=True):
        alive = [np.array([leaf]) for leaf in range(len(leaves))]
        level = 0.0
        for new in range(len(leaves), 2 * len(leaves) - 1):
            pairs = [(a, b) for a in range(len(alive)) for b in range(a)]
            costs = [difference(leaves, alive[a], alive[b], weights) for a, b in pairs]
            best = int(np.argmin(costs))
            level = max(level, costs[best])
            a, b = pairs[best]
            merged = np.concatenate([alive[a], alive[b]])
            alive = [rows for index, rows in enumerate(alive) if index not in (a, b)] + [merged]
            assert sorted(np.flatnonzero(tree.members[new])) == sorted(merged)
            assert tree.birth[new] == pytest.approx(level, rel=1e-5)


def test_one_superpixel_is_a_tree_of_one_region() -> None:
    tree = merge(segment_superpixels(np.full((5, 7, 3), 90, np.uint8), 60, 10), (WEIGHTS,))[0]
    assert tree.members.shape == (1, 1)
