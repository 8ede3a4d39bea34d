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
    """Stage 3's view of masks and of sound, joined by :func:`class_scores`."""

    def sight(self, masks: MaskEmbeddings) -> Tensor:
        """N masks among words: (N, d) float32, of any length."""
        ...

    def sound(self, audio: AudioFeatures) -> Tensor:
        """What is heard among words, window by window: (W, d) float32; no windows if it has no say."""
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
        """No windows: nothing is heard."""
        return torch.zeros(0, 0)


def class_scores(sight: Tensor, sound: Tensor, classes: Tensor) -> Tensor:
    """How well each class names each of N masks that sound: (N, K) float32.

    A class is heard as well as in the window that fits it best: of two things that sound, one is louder now
    and the other then.

    Args:
        sight: (N, d) masks among words, :meth:`Naming.sight`.
        sound: (W, d) what is heard among words, :meth:`Naming.sound`.
        classes: (K, d) class embeddings of unit length.
    """
    scores = sight @ classes.T
    return scores + (sound @ classes.T).amax(0) if len(sound) else scores
