"""How masks that sound are named: what looks and sound say of every class, joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import AudioFeatures, MaskEmbeddings

MATCH_WIDTH = 1.0
"""Of two masks that sound, one that looks less like a class by this has 1/e of what is heard of it."""


@dataclass(frozen=True)
class ClassScorers:
    """What is said of K classes.

    Attributes:
        score_masks: by looks, of each of N masks: (N, K) from their embeddings.
        score_audio: by ear: (K,) from a sound, 0 where it says nothing for or against.
    """

    score_masks: Callable[[MaskEmbeddings], Tensor]
    score_audio: Callable[[AudioFeatures], Tensor]


class MaskClassifier(Protocol):
    """Stage 3's view of masks and of sound."""

    def scorers_for(self, classes: Tensor) -> ClassScorers:
        """Who says what of these classes, (K, d) class embeddings of unit length."""
        ...


@dataclass(frozen=True)
class ZeroShotClassifier:
    """As in the paper: a mask is named by its looks alone.

    Attributes:
        to_text_space: masks in text space, (N, d) from their embeddings.
    """

    to_text_space: Callable[[MaskEmbeddings], Tensor]

    @classmethod
    def from_context(cls, context: PartContext) -> ZeroShotClassifier:
        """The row of a table: the association's mapping into text space."""
        return cls(context.part("association_method").to_text_space)

    def scorers_for(self, classes: Tensor) -> ClassScorers:
        """The cosine of Eq. 5, and nothing of the sound."""
        return ClassScorers(
            lambda masks: self.to_text_space(masks).cpu() @ classes.T, lambda audio: torch.zeros(len(classes))
        )


def class_scores(mask_scores: Tensor, audio_scores: Tensor) -> Tensor:
    """How well each class names each of N masks that sound together: (N, K) float32.

    Of two things that sound, what is heard of a class belongs to the one that looks like it: the other is
    not called a banjo because a banjo plays.

    Args:
        mask_scores: (N, K) what looks say.
        audio_scores: (K,) what the sound says.
    """
    return mask_scores + torch.exp((mask_scores - mask_scores.amax(0)) / MATCH_WIDTH) * audio_scores
