"""Eq. 5: classes of masks, and the semantic mask of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

SIGMA = 0.9


@dataclass(frozen=True)
class ClassifiedMasks:
    """Best class of every mask.

    Attributes:
        labels: (N,) int64 index into the vocabulary, from 0.
        scores: (N,) float32 cosine with the best class.
    """

    labels: Tensor
    scores: Tensor


def classify_masks(embeddings: Tensor, classes: Tensor) -> ClassifiedMasks:
    """The class with the best cosine ``t_n`` for every mask.

    Args:
        embeddings: (N, d) text-space embeddings of masks: ``f_n``, or its ConSE mapping if the encoder has no
            text encoder.
        classes: (K, d) class embeddings, K at least 1.
    """
    cosine = functional.normalize(embeddings.float(), dim=1) @ functional.normalize(classes.float(), dim=1).T
    scores, labels = cosine.max(dim=1)
    return ClassifiedMasks(labels, scores)


def semantic_mask(labels: Tensor, scaled: Tensor, masks: Tensor, sigma: float = SIGMA) -> Tensor:
    """Per pixel the class of the mask with the highest ``s_hat`` if that exceeds ``sigma``, else 0.

    Args:
        labels: (N,) int64 class of every mask, from 0.
        scaled: (N,) similarity after min-max, ``s_hat``.
        masks: (N, H, W) bool.
        sigma: threshold of Eq. 5.

    Returns:
        (H, W) int64: 0 is background, class ``k`` of the vocabulary is ``k + 1``.
    """
    semantic = torch.zeros(masks.shape[1:], dtype=torch.int64, device=masks.device)
    # Masks are painted in reverse, so that ties go to the first mask, as with argmax.
    for index in scaled.argsort(descending=True, stable=True).flip(0).tolist():
        if float(scaled[index]) > sigma:
            semantic.masked_fill_(masks[index], int(labels[index]) + 1)
    return semantic
