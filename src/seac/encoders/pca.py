"""PCA projection of frozen embeddings for small networks: unit length before and after the projection."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

SCALE = 16.0
"""Factor on the projection of a network's input, so that values are of order 1."""


def pca_project(embeddings: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """Project embeddings (..., d) with ``mean`` (d,) and ``basis`` (d, p): (..., p) of unit length."""
    unit = functional.normalize(embeddings.float(), dim=-1) - mean
    return functional.normalize(unit @ basis, dim=-1)
