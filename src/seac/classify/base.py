"""How masks that sound are named: what looks and sound say of every class, joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seac.core.types import AudioFeatures, MaskEmbeddings

RIVALRY = 1.0
"""Of two masks that sound, one that looks less like a class by this has 1/e of what is heard of it."""


@dataclass(frozen=True)
class Witnesses:
    """What is said of K classes.

    Attributes:
        sight: by looks, of each of N masks: (N, K) from their embeddings.
        sound: by ear: (K,) from a sound, 0 where it says nothing for or against.
    """

    sight: Callable[[MaskEmbeddings], Tensor]
    sound: Callable[[AudioFeatures], Tensor]


class Naming(Protocol):
    """Stage 3's view of masks and of sound."""

    def among(self, classes: Tensor) -> Witnesses:
        """Who says what of these classes, (K, d) class embeddings of unit length."""
        ...


@dataclass(frozen=True)
class ByWords:
    """As in the paper: a mask is named by its looks alone.

    Attributes:
        place: masks in text space, (N, d) from their embeddings.
    """

    place: Callable[[MaskEmbeddings], Tensor]

    def among(self, classes: Tensor) -> Witnesses:
        """The cosine of Eq. 5, and nothing of the sound."""
        return Witnesses(
            lambda masks: self.place(masks).cpu() @ classes.T, lambda audio: torch.zeros(len(classes))
        )


def class_scores(seen: Tensor, heard: Tensor) -> Tensor:
    """How well each class names each of N masks that sound together: (N, K) float32.

    Of two things that sound, what is heard of a class belongs to the one that looks like it: the other is
    not called a banjo because a banjo plays.

    Args:
        seen: (N, K) what looks say.
        heard: (K,) what the sound says.
    """
    return seen + torch.exp((seen - seen.amax(0)) / RIVALRY) * heard
