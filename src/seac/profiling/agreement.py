"""Agreement measures between two outputs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

QUERIES = 64


def differing_share(ours: Tensor, theirs: Tensor) -> float:
    """Return the share of pixels on which masks (N, H, W) bool differ."""
    return float((ours != theirs).float().mean())


def min_overlap(ours: Tensor, theirs: Tensor) -> float:
    """Return the minimum IoU of masks (N, H, W) bool with their counterparts; two empty masks have IoU 1."""
    both, either = (ours & theirs).flatten(1).sum(1), (ours | theirs).flatten(1).sum(1)
    return float(torch.where(either > 0, both / either.clamp_min(1), torch.ones(())).min())


def min_cosine(ours: Tensor, theirs: Tensor) -> float:
    """Return the minimum cosine similarity of embeddings (N, d) with their counterparts."""
    return float(functional.cosine_similarity(ours.float(), theirs.float(), dim=1).min())


def rank_correlation(ours: Tensor, theirs: Tensor, seed: int = 0) -> float:
    """Return Spearman's rank correlation of N mask embeddings, mean over ``QUERIES`` random queries.

    Association ranks masks by cosine similarity with an audio embedding; this measures whether both sets of
    embeddings give the same ranking. Queries are random mixtures of the mean-centred reference embeddings.
    """
    mean = theirs.float().mean(0)
    centred = functional.normalize(theirs.float() - mean, dim=1)
    generator = torch.Generator().manual_seed(seed)
    queries = torch.randn(QUERIES, len(centred), generator=generator) @ centred
    first = _ranks(functional.normalize(ours.float() - ours.float().mean(0), dim=1) @ queries.T)
    second = _ranks(centred @ queries.T)
    return float(functional.cosine_similarity(first - first.mean(0), second - second.mean(0), dim=0).mean())


def _ranks(values: Tensor) -> Tensor:
    return values.argsort(0).argsort(0).float()
