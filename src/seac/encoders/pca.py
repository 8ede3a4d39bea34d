"""Frozen embeddings as small networks take them: unit length, PCA projection, unit length again."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SCALE = 16.0
"""Factor on projected embeddings, so that their values are of the order of 1."""
WHITENING = 0.5
"""Exponent of the eigenvalue that divides each component; .5 is full whitening."""


def pca_project(embeddings: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """Unit-length projection (..., p) of embeddings (..., d), less ``mean`` (d,), on ``basis`` (d, p)."""
    unit = functional.normalize(embeddings.float(), dim=-1) - mean
    return functional.normalize(unit @ basis, dim=-1)


def compute_pca(vectors: Tensor, count: int, whitening: float = WHITENING) -> tuple[Tensor, Tensor]:
    """Mean (d,) and the ``count`` strongest principal directions (d, count), whitened, of vectors (n, d)."""
    mean = vectors.mean(0)
    values, directions = principal_axes(vectors - mean)
    strongest = directions[:, -count:].flip(1)
    return mean, (strongest / values[-count:].flip(0).clamp_min(1e-6) ** whitening).float()


def principal_axes(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squares of (n, d) along its principal axes, ascending, and the axes as columns, in float64.

    In float32 the solver returned NaN for some audio embeddings.
    """
    values, directions = torch.linalg.eigh((vectors.T @ vectors / len(vectors)).double())
    return values, directions
