"""What speaks for a region."""

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


def test_features_that_change_at_the_boundary_are_region_features() -> None:
    taps = (torch.from_numpy(DISC)[None].float(), torch.zeros(5, 8, 8))
    leaves = segment_superpixels(RED_ON_GREEN, 100, 50, taps)
    assert leaves.widths == (1, 5)
    inside = np.eye(len(leaves), dtype=np.float32)
    near = (1 - inside) * leaves.length / np.maximum(leaves.length.sum(1, keepdims=True), 1)
    columns = deep_features(leaves, inside, near, leaves.area)
    assert columns.shape == (len(leaves), MAPS + 1)
    assert columns[:, 0].max() > 1
    assert not columns[:, 1:MAPS].any()


def test_without_features_there_are_no_region_features_of_them() -> None:
    leaves = segment_superpixels(np.zeros((20, 30, 3), np.uint8), 100, 50)
    assert not deep_features(
        leaves, np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32), leaves.area
    ).any()


def test_every_region_feature_has_its_weight() -> None:
    for weights in (DEFAULT_WEIGHTS, SALIENCY_WEIGHTS, STUFF_WEIGHTS):
        assert len(weights) == len(FEATURE_NAMES) + 1


def test_a_disc_looks_more_like_a_region_than_the_half_of_it() -> None:
    to_half = DISC * (1 + (COLUMNS < SIDE // 2))
    tapped = (torch.from_numpy(DISC)[None].float(),) * MAPS
    leaves = describe(rgb2lab(RED_ON_GREEN).astype(np.float32), to_half.astype(np.int64), tapped)
    rows = np.array([[False, True, True], [False, True, False]])
    for stuff in (False, True):
        whole, half = objectness(leaves, rows, np.zeros(2, np.float32), None, stuff)
        assert whole > half


def test_what_speaks_for_a_region_does_not_depend_on_the_other_regions() -> None:
    leaves = segment_superpixels(RED_ON_GREEN, 100, 50)
    rows = np.eye(len(leaves), dtype=bool)
    lasting = np.linspace(0, 1, len(rows), dtype=np.float32)
    every = region_features(leaves, rows, lasting, None)
    np.testing.assert_allclose(region_features(leaves, rows[1:], lasting[1:], None), every[1:], rtol=1e-5)
