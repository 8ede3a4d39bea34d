"""Region features and scores."""

from __future__ import annotations

import numpy as np
import torch
from skimage.color import rgb2lab

from seac.segment.proposal_net.region_score import (
    DEFAULT_WEIGHTS,
    FEATURE_NAMES,
    MAPS,
    SALIENCY_WEIGHTS,
    STUFF_WEIGHTS,
    deep_features,
    objectness,
    region_features,
)
from seac.segment.proposal_net.superpixels import describe, segment_superpixels

SIDE = 64
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
DISC = (ROWS - 31.5) ** 2 + (COLUMNS - 31.5) ** 2 < 18**2
RED_ON_GREEN = np.where(DISC[..., None], (200, 40, 40), (40, 160, 60)).astype(np.uint8)


def test_a_step_of_network_features_at_the_boundary_is_measured() -> None:
    levels = (torch.from_numpy(DISC)[None].float(), torch.zeros(5, 8, 8))
    leaves = segment_superpixels(RED_ON_GREEN, 100, 50, levels)
    assert leaves.widths == (1, 5)
    inside = np.eye(len(leaves), dtype=np.float32)
    near = (1 - inside) * leaves.length / np.maximum(leaves.length.sum(1, keepdims=True), 1)
    columns = deep_features(leaves, inside, near, leaves.area)
    assert columns.shape == (len(leaves), MAPS + 1)
    assert columns[:, 0].max() > 1
    assert not columns[:, 1:MAPS].any()


def test_without_network_features_the_deep_features_are_zero() -> None:
    leaves = segment_superpixels(np.zeros((20, 30, 3), np.uint8), 100, 50)
    assert not deep_features(
        leaves, np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32), leaves.area
    ).any()


def test_every_region_feature_has_a_weight() -> None:
    for weights in (DEFAULT_WEIGHTS, SALIENCY_WEIGHTS, STUFF_WEIGHTS):
        assert len(weights) == len(FEATURE_NAMES) + 1


def test_a_disc_scores_higher_than_its_half() -> None:
    halves = DISC * (1 + (COLUMNS < SIDE // 2))
    levels = (torch.from_numpy(DISC)[None].float(),) * MAPS
    leaves = describe(rgb2lab(RED_ON_GREEN).astype(np.float32), halves.astype(np.int64), levels)
    rows = np.array([[False, True, True], [False, True, False]])
    for stuff in (False, True):
        disc, half = objectness(leaves, rows, np.zeros(2, np.float32), None, stuff)
        assert disc > half


def test_features_of_a_region_do_not_depend_on_other_regions() -> None:
    leaves = segment_superpixels(RED_ON_GREEN, 100, 50)
    rows = np.eye(len(leaves), dtype=bool)
    persistence = np.linspace(0, 1, len(rows), dtype=np.float32)
    features = region_features(leaves, rows, persistence, None)
    some_features = region_features(leaves, rows[1:], persistence[1:], None)
    np.testing.assert_allclose(some_features, features[1:], rtol=1e-5)
