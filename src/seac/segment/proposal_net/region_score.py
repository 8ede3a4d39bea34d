"""Region score: logistic regression of region features, for things or for stuff."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seac.segment.proposal_net.superpixels import Superpixels

Floats = NDArray[np.float32]


def objectness(
    leaves: Superpixels,
    rows: NDArray[np.bool_],
    persistence: Floats,
    salience: Floats | None,
    stuff: bool = False,
) -> Floats:
    """Return the probability (K,) float32 that each candidate is a thing (or stuff, with ``stuff=True``)."""
    weights = SALIENCY_WEIGHTS if salience is not None else STUFF_WEIGHTS if stuff else DEFAULT_WEIGHTS
    logits = region_features(leaves, rows, persistence, salience) @ weights[:-1] + weights[-1]
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def region_features(
    leaves: Superpixels, rows: NDArray[np.bool_], persistence: Floats, salience: Floats | None
) -> Floats:
    """Return the features (K, 15) float32 of each candidate; ``FEATURE_NAMES`` names the columns."""
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
    deep = deep_features(leaves, inside, near, area)
    return np.concatenate([np.stack(columns, 1), deep], 1).astype(np.float32)


def deep_features(leaves: Superpixels, inside: Floats, near: Floats, area: Floats) -> Floats:
    """Return network feature differences across the boundary, one column per map, and within: (K, 5) float32.

    Args:
        leaves: R superpixels; columns of missing feature maps are 0.
        inside: (K, R) 0 or 1.
        near: (K, R) share of each outer superpixel in the perimeter.
        area: (K,) pixels of the candidates.
    """
    columns = np.zeros((len(inside), MAPS + 1), np.float32)
    if leaves.deep.shape[1] == 0 or len(inside) == 0:
        return columns
    mean = (inside * leaves.area) @ leaves.deep / area[:, None]
    step = (mean - near @ leaves.deep) ** 2
    ends = np.cumsum((0, *leaves.widths[:MAPS]))
    for column, (start, end) in enumerate(pairwise(ends)):
        columns[:, column] = np.log1p(10 * np.sqrt(step[:, start:end].sum(1)))
    square = (inside * leaves.area) @ (leaves.deep**2).sum(1) / area
    columns[:, MAPS] = np.sqrt(np.maximum(square - (mean**2).sum(1), 0))
    return columns


MAPS = 4  # feature maps of a network, finest first
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
    "deep step at stride 4",
    "deep step at stride 8",
    "deep step at stride 16",
    "deep step at stride 32",
    "deep spread within",
)
# Fitted by python -m recipes.proposal_net.region_score on composites of the training media, without and with
# saliency; the intercept comes last.
DEFAULT_WEIGHTS = np.array(
    [0.39, -0.07, 0.15, -0.05, 0.74, -3.71, 3.48, 0.34, 0, 0, *[0] * 5, -2.18], np.float32
)
SALIENCY_WEIGHTS = np.array(
    [0.33, -0.06, 0.23, -0.10, 0.54, -1.35, 2.81, 0.15, 1.95, -0.20, *[0] * 5, -2.19], np.float32
)
# The network does not propose stuff, and composites of things contain none: fitted by the same command on
# mosaics of the training media, with the network's features, to the regions that no thing covers.
STUFF_WEIGHTS = np.array(
    [-0.40, -0.16, 0.41, 0.02, 0.22, 1.08, 1.20, 0.51, 0, 0, 0.43, 0.65, 1.23, -0.37, -0.90, -4.79],
    np.float32,
)
