"""Where masks are among words when they are named: as they look, and, if it may, as it sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seac.associate.audio.encoder import AudioFeatures
from seac.associate.embeddings import MaskEmbeddings

RIVALRY = 0.1
"""Of two masks that sound, one that looks less like a class by this has 1/e of what is heard of it."""


class Naming(Protocol):
    """Stage 3's view of masks and of sound, joined by :func:`witnesses`."""

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


def witnesses(sight: Tensor, sound: Tensor, classes: Tensor) -> Tensor:
    """What looks and sound say of each class for each of N masks that sound: (N, 2, K) float32.

    A class is heard as well as in the window that fits it best: of two things that sound, one is louder now
    and the other then.

    Args:
        sight: (N, d) masks among words, :meth:`Naming.sight`.
        sound: (W, d) what is heard among words, :meth:`Naming.sound`; without windows it says 0.
        classes: (K, d) class embeddings of unit length.
    """
    seen = sight @ classes.T
    heard = (sound @ classes.T).amax(0) if len(sound) else seen.new_zeros(len(classes))
    return torch.stack([seen, heard.expand_as(seen)], 1)


def class_scores(said: Tensor) -> Tensor:
    """How well each class names each of N masks that sound: (N, K), of their :func:`witnesses` (N, 2, K).

    Of two things that sound, what is heard of a class belongs to the one that looks like it: the other is
    not called a banjo because a banjo plays.
    """
    seen, heard = said.unbind(1)
    return seen + torch.exp((seen - seen.amax(0)) / RIVALRY) * heard
