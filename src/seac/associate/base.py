"""What compares: the protocol of everything that says how well each mask fits a sound."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from seac.core.types import AudioFeatures, MaskEmbeddings


class Association(Protocol):
    """Stage 2's judgement: zero-shot through words, or trained."""

    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Similarity of N masks of one frame with one sound (all windows of ``audio``): (N,) in [-1, 1].

        A cosine, or a weighted mean of cosines and a class match
        (:class:`~seac.associate.ensemble.AssociationEnsemble`).
        """
        ...
