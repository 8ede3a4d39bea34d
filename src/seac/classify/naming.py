"""Where masks are among words when they are named: as they look, and, if it may, as it sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seac.associate.audio.encoder import AudioFeatures
from seac.associate.embeddings import MaskEmbeddings


class Naming(Protocol):
    """Stage 3's view of masks and of sound; the sum of both is named by :func:`~seac.classify.semantic`."""

    def sight(self, masks: MaskEmbeddings) -> Tensor:
        """N masks among words: (N, d) float32, of any length."""
        ...

    def sound(self, audio: AudioFeatures) -> Tensor:
        """What is heard among words, to be added to every mask that sounds: (d,) float32, or () zero."""
        ...


@dataclass(frozen=True)
class ByWords:
    """As in the paper: a mask is named by its looks alone.

    Attributes:
        place: masks in text space, (N, d) from their embeddings.
    """

    place: Callable[[MaskEmbeddings], Tensor]

    def sight(self, masks: MaskEmbeddings) -> Tensor:
        """Where their embeddings are: (N, d) float32."""
        return self.place(masks).cpu()

    def sound(self, audio: AudioFeatures) -> Tensor:
        """Nothing."""
        return torch.zeros(())
