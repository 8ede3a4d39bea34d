"""The label bridge (ConSE, Norouzi et al. 2014): from class probabilities into text space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from seac.encoders.base import TextEncoder
from seac.encoders.labels.descriptions import Group, groups_of, is_visible, texts_of

TINY = 1e-12


class IdentityMapping:
    """For embeddings that lie among words already, as those of CLIP and SigLIP do."""

    def to_text_space(self, embeddings: Tensor) -> Tensor:
        """(n, d) as (n, d) of unit length."""
        return functional.normalize(embeddings.float(), dim=1)


@dataclass(frozen=True)
class ConSEMapping:
    """Places what a tagger saw or heard among words.

    Attributes:
        vectors: (C, d) float32 text embeddings of the tagger's classes, unit length.
        weights: (C,) float32; 0 for a class that has no say.
        top: how many of the likeliest classes count.
        groups: classes of which others are sorts.
    """

    vectors: Tensor
    weights: Tensor
    top: int = 10
    groups: tuple[Group, ...] = ()

    @classmethod
    def load(
        cls,
        labels: tuple[str, ...],
        text: TextEncoder,
        *,
        top: int = 10,
        described: bool = True,
        centred: bool = False,
    ) -> ConSEMapping:
        """A bridge for a tagger's ``labels``.

        Args:
            labels: the tagger's class names.
            text: encodes them.
            top: how many of the likeliest classes count.
            described: says names in plain words first, and silences classes that cannot be seen.
            centred: subtracts the mean of all names, so that only differences between them count.
        """
        vectors = text(texts_of(labels) if described else labels)
        if centred:
            vectors = functional.normalize(vectors - vectors.mean(0), dim=1)
        weights = (
            torch.tensor(is_visible(labels), dtype=torch.float32) if described else torch.ones(len(labels))
        )
        return cls(vectors, weights, top, groups_of(labels) if described else ())

    def to_text_space(self, class_probabilities: Tensor) -> Tensor:
        """The mean embedding of the ``top`` likeliest classes, weighted by probability.

        Args:
            class_probabilities: (n, C) probabilities.

        Returns:
            (n, d) float32 of unit length; zero where nothing was seen or heard.
        """
        weighted_probabilities = class_probabilities.to(self.vectors.device).float() * self.weights
        if self.top < weighted_probabilities.shape[1]:
            values, columns = weighted_probabilities.topk(self.top, dim=1)
            weighted_probabilities = torch.zeros_like(weighted_probabilities).scatter_(1, columns, values)
        return functional.normalize(weighted_probabilities @ self.vectors, dim=1)

    def relevance(self, class_embeddings: Tensor, width: float, share: float) -> Tensor:
        """What each class tells of each word: how close they are, and of a group what its sorts tell.

        Among words "animal" is hardly closer to a hen than to a chainsaw; what is an animal may be a hen.

        Args:
            class_embeddings: (K, d) of unit length.
            width: see :func:`text_similarity`.
            share: of what the sort that is closest to a word tells of it, for the group; 0 for nothing.

        Returns:
            (C, K) in [0, 1].
        """
        close = text_similarity(self.vectors.to(class_embeddings), class_embeddings, width)
        relevance = close.clone()
        for group in self.groups:
            children = close[group.first : group.last + 1].amax(0)
            relevance[group.number] = torch.maximum(close[group.number], share * children)
        return relevance

    def class_likelihoods(self, class_probabilities: Tensor, relevance: Tensor) -> Tensor:
        """What classes tell of K words: the mean of ``relevance``, weighted by probability; (n, K), 0 of nothing.

        Args:
            class_probabilities: (n, C) probabilities.
            relevance: (C, K) what each class tells of each word.
        """
        weighted_probabilities = class_probabilities.to(self.weights.device).float() * self.weights
        return (
            weighted_probabilities / weighted_probabilities.sum(1, keepdim=True).clamp_min(TINY)
        ) @ relevance


def text_similarity(labels: Tensor, class_embeddings: Tensor, width: float) -> Tensor:
    """``exp((cos - 1) / width)`` of labels (C, d) and words (K, d) of unit length: (C, K), 1 for the same."""
    return torch.exp((labels @ class_embeddings.T - 1) / width)
