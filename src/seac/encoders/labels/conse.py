"""ConSE mapping (Norouzi et al. 2014): from class probabilities to text space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from seac.encoders.base import TextEncoder
from seac.encoders.labels.descriptions import Group, groups_of, is_visible, texts_of

TINY = 1e-12


class IdentityMapping:
    """Mapping of embeddings that are already in text space, such as those of CLIP and SigLIP."""

    def to_text_space(self, embeddings: Tensor) -> Tensor:
        """Return embeddings (n, d) scaled to unit length."""
        return functional.normalize(embeddings.float(), dim=1)


@dataclass(frozen=True)
class ConSEMapping:
    """Maps class probabilities of an image or audio encoder to text space.

    Attributes:
        vectors: (C, d) float32 text embeddings of the encoder's class names, unit length.
        weights: (C,) float32 class weights; 0 excludes a class.
        top: number of most probable classes used.
        groups: classes that have subclasses.
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
        """Build the mapping of an encoder's class names.

        Args:
            labels: class names of the encoder.
            text: text encoder of the class names.
            top: number of most probable classes used.
            described: replace class names by descriptions, and exclude classes that are not visible.
            centred: subtract the mean embedding of all class names.
        """
        vectors = text(texts_of(labels) if described else labels)
        if centred:
            vectors = functional.normalize(vectors - vectors.mean(0), dim=1)
        weights = (
            torch.tensor(is_visible(labels), dtype=torch.float32) if described else torch.ones(len(labels))
        )
        return cls(vectors, weights, top, groups_of(labels) if described else ())

    def to_text_space(self, class_probabilities: Tensor) -> Tensor:
        """Return the mean text embedding of the ``top`` most probable classes, weighted by probability.

        Args:
            class_probabilities: (n, C) probabilities.

        Returns:
            (n, d) float32 of unit length; zero if all weighted probabilities are zero.
        """
        weighted_probabilities = class_probabilities.to(self.vectors.device).float() * self.weights
        if self.top < weighted_probabilities.shape[1]:
            values, columns = weighted_probabilities.topk(self.top, dim=1)
            weighted_probabilities = torch.zeros_like(weighted_probabilities).scatter_(1, columns, values)
        return functional.normalize(weighted_probabilities @ self.vectors, dim=1)

    def relevance(self, class_embeddings: Tensor, width: float, share: float) -> Tensor:
        """Return the relevance of each encoder class to each vocabulary class: their text similarity.

        A group also inherits relevance from its subclasses: in text space "animal" is hardly closer to "hen"
        than to "chainsaw", although an animal may be a hen.

        Args:
            class_embeddings: (K, d) text embeddings of the vocabulary, of unit length.
            width: see :func:`text_similarity`.
            share: factor on the maximum similarity over a group's subclasses; 0 disables inheritance.

        Returns:
            (C, K) in [0, 1].
        """
        similarity = text_similarity(self.vectors.to(class_embeddings), class_embeddings, width)
        relevance = similarity.clone()
        for group in self.groups:
            children = similarity[group.first : group.last + 1].amax(0)
            relevance[group.number] = torch.maximum(similarity[group.number], share * children)
        return relevance

    def class_likelihoods(self, class_probabilities: Tensor, relevance: Tensor) -> Tensor:
        """Return the mean of ``relevance`` weighted by class probability: (n, K), 0 if all are zero.

        Args:
            class_probabilities: (n, C) probabilities of the encoder classes.
            relevance: (C, K) relevance of each encoder class to each vocabulary class.
        """
        weighted_probabilities = class_probabilities.to(self.weights.device).float() * self.weights
        return (
            weighted_probabilities / weighted_probabilities.sum(1, keepdim=True).clamp_min(TINY)
        ) @ relevance


def text_similarity(labels: Tensor, class_embeddings: Tensor, width: float) -> Tensor:
    """Return ``exp((cos - 1) / width)`` (C, K) of unit embeddings (C, d) and (K, d); 1 for equal ones."""
    return torch.exp((labels @ class_embeddings.T - 1) / width)
