"""Protocol of the sounding head, and the sum of similarity and objectness."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import AudioFeatures, EncodedAudio, EncodedImage


class SoundingHead(Protocol):
    """Logits that each mask of a frame sounds, before calibration.

    Attributes:
        absolute: whether a logit means the same in every frame. Then the heatmap shows the probability,
            otherwise the logits are scaled over the masks of the frame (Eq. 4).
    """

    absolute: bool

    def __call__(
        self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio, objectness_weight: float
    ) -> Tensor:
        """Return the logit of every mask, joined: (N,) float32; arguments as of :meth:`logits`."""
        ...

    def logits(
        self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio, objectness_weight: float
    ) -> Tensor:
        """Return the logit of every mask, before :meth:`join`: (N,) float32.

        Args:
            similarity: (N,) float32 of each mask with the audio, from the association.
            image: the frame with its N masks.
            audio: its audio.
            objectness_weight: ``Settings.objectness``.
        """
        ...

    def window_logits(
        self, similarity: Tensor, image: EncodedImage, audio: AudioFeatures, objectness_weight: float
    ) -> Tensor:
        """Return the logits of every mask in each of S audio windows, before :meth:`join`: (S, N) float32.

        Args:
            similarity: (S, N) float32 of each mask with each window.
            image: the frame with its N masks.
            audio: features of the S windows.
            objectness_weight: ``Settings.objectness``.
        """
        ...

    def join(self, logits: Tensor, image: EncodedImage) -> Tensor:
        """Return logits (S, N) after the masks of the frame have been weighed against one another."""
        ...


class ObjectnessSum:
    """Similarity plus weighted objectness, without training; a weight of 0 is the paper."""

    absolute = False
    version = "similarity + objectness"

    @classmethod
    def from_context(cls, context: PartContext) -> ObjectnessSum:
        """The row of a table."""
        return cls()

    def __call__(
        self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio, objectness_weight: float
    ) -> Tensor:
        """Return the logits; see :class:`SoundingHead`."""
        return self.logits(similarity, image, audio, objectness_weight)

    def logits(
        self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio, objectness_weight: float
    ) -> Tensor:
        """Return the logits; see :class:`SoundingHead`."""
        return similarity + objectness_weight * image.proposals.scores

    def window_logits(
        self, similarity: Tensor, image: EncodedImage, audio: AudioFeatures, objectness_weight: float
    ) -> Tensor:
        """Return the logits (S, N); see :class:`SoundingHead`."""
        return similarity + objectness_weight * image.proposals.scores

    def join(self, logits: Tensor, image: EncodedImage) -> Tensor:
        """Return the logits as they are."""
        return logits
