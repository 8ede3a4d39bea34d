"""Frozen embeddings as small networks take them: unit length, principal components, unit length again."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

SCALE = 16.0
"""Of what a network sees of them: values are then of the order of 1."""


def pca_project(embeddings: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """Where embeddings (..., d) lie from ``mean`` (d,), along ``basis`` (d, p): (..., p) of unit length."""
    unit = functional.normalize(embeddings.float(), dim=-1) - mean
    return functional.normalize(unit @ basis, dim=-1)
