"""Protocol of associations: similarity of every mask with the audio."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from seac.core.types import AudioFeatures, MaskEmbeddings


class Association(Protocol):
    """Stage 2: zero-shot in text space, or trained."""

    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Cosine similarity of N masks of one frame with the audio (all windows of ``audio``): (N,)."""
        ...

    def of_windows(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Cosine similarity of N masks of one frame with each of S windows by itself: (S, N) float32."""
        ...
