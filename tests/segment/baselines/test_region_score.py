"""Region features and scores."""

from __future__ import annotations

import numpy as np
from skimage.color import rgb2lab

from seac.segment.baselines.region_score import (
    DEFAULT_WEIGHTS,
    FEATURE_NAMES,
    SALIENCY_WEIGHTS,
    objectness,
    region_features,
)
from seac.segment.baselines.superpixels import describe, segment_superpixels

SIDE = 64
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
DISC = (ROWS - 31.5) ** 2 + (COLUMNS - 31.5) ** 2 < 18**2
RED_ON_GREEN = np.where(DISC[..., None], (200, 40, 40), (40, 160, 60)).astype(np.uint8)


def test_every_region_feature_has_a_weight() -> None:
    for weights in (DEFAULT_WEIGHTS, SALIENCY_WEIGHTS):
        assert len(weights) == len(FEATURE_NAMES) + 1


def test_a_disc_scores_higher_than_its_half() -> None:
    halves = DISC * (1 + (COLUMNS < SIDE // 2))
    leaves = describe(rgb2lab(RED_ON_GREEN).astype(np.float32), halves.astype(np.int64))
    rows = np.array([[False, True, True], [False, True, False]])
    disc, half = objectness(leaves, rows, np.zeros(2, np.float32), None)
    assert disc > half


def test_features_of_a_region_do_not_depend_on_other_regions() -> None:
    leaves = segment_superpixels(RED_ON_GREEN, 100, 50)
    rows = np.eye(len(leaves), dtype=bool)
    persistence = np.linspace(0, 1, len(rows), dtype=np.float32)
    features = region_features(leaves, rows, persistence, None)
    some_features = region_features(leaves, rows[1:], persistence[1:], None)
    np.testing.assert_allclose(some_features, features[1:], rtol=1e-5)
