"""Region score: logistic regression of region features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seac.segment.baselines.superpixels import Superpixels

Floats = NDArray[np.float32]


def objectness(
    leaves: Superpixels, rows: NDArray[np.bool_], persistence: Floats, salience: Floats | None
) -> Floats:
    """Return the probability (K,) float32 that each candidate is a thing."""
    weights = DEFAULT_WEIGHTS if salience is None else SALIENCY_WEIGHTS
    logits = region_features(leaves, rows, persistence, salience) @ weights[:-1] + weights[-1]
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def region_features(
    leaves: Superpixels, rows: NDArray[np.bool_], persistence: Floats, salience: Floats | None
) -> Floats:
    """Return the features (K, 10) float32 of each candidate; ``FEATURE_NAMES`` names the columns."""
    inside = rows.astype(np.float32)
    complement = 1 - inside
    area, total = inside @ leaves.area, leaves.area.sum()
    share = area / total
    length, edge = inside @ leaves.length, inside @ leaves.edge  # shared by candidate and superpixel
    perimeter = (length * complement).sum(1)
    step = (edge * complement).sum(1) / np.maximum(perimeter, 1)
    within = (edge * inside).sum(1) / np.maximum((length * inside).sum(1), 1)
    frame_border = inside @ leaves.frame
    near = length * complement / np.maximum(perimeter, 1)[:, None]  # share of each neighbour in the perimeter
    colour_in = (inside * leaves.area) @ leaves.colour / area[:, None]
    colour_contrast = np.sqrt(((colour_in - near @ leaves.colour) ** 2).sum(1))
    compact = np.minimum(4 * np.pi * area / np.maximum(perimeter + frame_border, 1) ** 2, 1)
    if salience is None:
        stands = covers = np.zeros_like(area)
    else:
        mean_in = (inside * leaves.area) @ salience / area
        stands = mean_in - near @ salience
        covers = (inside * leaves.area) @ salience / max(float(leaves.area @ salience), 1e-6)
    columns = (
        np.log(share),
        np.log(share) ** 2,
        np.log1p(step),
        np.log1p(within),
        np.log1p(colour_contrast),
        frame_border / np.maximum(perimeter + frame_border, 1),
        compact,
        persistence,
        stands,
        covers,
    )
    return np.stack(columns, 1).astype(np.float32)


FEATURE_NAMES = (
    "log area",
    "log area squared",
    "step at the boundary",
    "steps within",
    "contrast",
    "share of perimeter on the frame",
    "compactness",
    "persistence",
    "saliency contrast",
    "share of saliency",
)
# Fitted by python -m recipes.proposal_net.region_score on composites of the training media, without and with
# saliency; the intercept comes last.
DEFAULT_WEIGHTS = np.array([0.39, -0.07, 0.15, -0.05, 0.74, -3.71, 3.48, 0.34, 0, 0, -2.18], np.float32)
SALIENCY_WEIGHTS = np.array(
    [0.33, -0.06, 0.23, -0.10, 0.54, -1.35, 2.81, 0.15, 1.95, -0.20, -2.19], np.float32
)
