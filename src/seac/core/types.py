"""The values that stages exchange: proposals, features, embeddings, encoded image and audio, decision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from seac.core.covering import covering_pairs


@dataclass(frozen=True)
class Proposals:
    """Masks of one frame, best first; shapes and dtypes are checked on construction.

    Attributes:
        masks: (N, H, W) bool.
        boxes: (N, 4) float32, xyxy in pixels; x2 and y2 are exclusive.
        scores: (N,) float32 objectness in [0, 1].
    """

    masks: Tensor
    boxes: Tensor
    scores: Tensor

    def __post_init__(self) -> None:
        n = len(self.masks)
        if self.masks.ndim != 3 or self.masks.dtype != torch.bool:
            raise ValueError(
                f"masks are {tuple(self.masks.shape)} {self.masks.dtype}: pass (N, H, W) torch.bool"
            )
        if self.boxes.shape != (n, 4) or self.scores.shape != (n,):
            raise ValueError(
                f"{n} masks with boxes {tuple(self.boxes.shape)} and scores {tuple(self.scores.shape)}: "
                "pass (N, 4) and (N,)"
            )

    def __len__(self) -> int:
        return len(self.masks)

    def top(self, n: int) -> Proposals:
        """The best ``n`` proposals (all of them if there are fewer)."""
        return Proposals(self.masks[:n], self.boxes[:n], self.scores[:n])

    @staticmethod
    def empty(height: int, width: int) -> Proposals:
        """No proposals for a frame of this size."""
        return Proposals(torch.zeros(0, height, width, dtype=torch.bool), torch.zeros(0, 4), torch.zeros(0))


@dataclass(frozen=True)
class VisionFeatures:
    """Output of an image encoder for a batch of images.

    Attributes:
        embeddings: (n, d_m) float32, not normalised.
        class_probabilities: (n, C) float32 probabilities of the encoder's classes, or None if it has none.
    """

    embeddings: Tensor
    class_probabilities: Tensor | None


@dataclass(frozen=True)
class AudioFeatures:
    """Output of an audio encoder for a batch of windows.

    Attributes:
        embeddings: (n, d_a) float32, one vector per window.
        class_probabilities: (n, C) float32 probabilities of the encoder's own audio classes, or None.
    """

    embeddings: Tensor
    class_probabilities: Tensor | None


@dataclass(frozen=True)
class MaskEmbeddings:
    """Local and global views of N masks (Eq. 1-2), kept separate so that lambda can be chosen later.

    Attributes:
        local: (N, d_m) float32, ``v(local view)``.
        context: (N, d_m) float32, ``v(global view)``.
        local_probabilities: (N, C) float32 class probabilities of the local views, or None.
        context_probabilities: (N, C) float32 class probabilities of the global views, or None.
    """

    local: Tensor
    context: Tensor
    local_probabilities: Tensor | None = None
    context_probabilities: Tensor | None = None

    def __len__(self) -> int:
        return len(self.local)

    def at(self, rows: Tensor) -> MaskEmbeddings:
        """The embeddings of masks ``rows`` (n,) int64."""
        class_probabilities = (
            None if class_probabilities is None else class_probabilities[rows]
            for class_probabilities in (self.local_probabilities, self.context_probabilities)
        )
        return MaskEmbeddings(self.local[rows], self.context[rows], *class_probabilities)

    def mixed(self, lam: float) -> Tensor:
        """Mask embeddings ``f`` of Eq. 3: (N, d_m) ``lam * local + (1 - lam) * context``."""
        return torch.lerp(self.context, self.local, lam)

    def mixed_probabilities(self, lam: float) -> Tensor:
        """Class probabilities mixed as Eq. 3 mixes embeddings: (N, C).

        Raises:
            ValueError: the encoder has no classes.
        """
        if self.local_probabilities is None or self.context_probabilities is None:
            raise ValueError("these embeddings carry no class probabilities: use an encoder that has labels")
        return torch.lerp(self.context_probabilities, self.local_probabilities, lam)


@dataclass(frozen=True)
class EncodedImage:
    """An image after the networks: encoded once, paired with any number of waveforms.

    Attributes:
        image: (3, H, W) uint8 RGB, scaled down to at most ``max_side`` pixels.
        original_size: (height, width) before scaling.
        proposals: class-agnostic masks, best first.
        embeddings: both views of every mask (Eq. 1-2).
        text_embeddings: (N, d) float32 of unit length, text-space embedding of every mask (Eq. 3).
    """

    image: Tensor
    original_size: tuple[int, int]
    proposals: Proposals
    embeddings: MaskEmbeddings
    text_embeddings: Tensor

    @cached_property
    def covering(self) -> Tensor:
        """Which masks cover one another: (N, N) bool of :func:`seac.core.covering.covering_pairs`."""
        return covering_pairs(self.proposals.masks)


@dataclass(frozen=True)
class AudioSummary:
    """Whether the audio is active, its level, and its likeliest classes.

    Attributes:
        silent: whether the audio is silent.
        noise: whether the audio is stationary noise.
        level: dBFS (RMS of the loudest tenth of a second), at least -120.
        top_classes: likeliest classes of the audio encoder with their probabilities, highest first.
    """

    silent: bool
    level: float = -120.0
    top_classes: tuple[tuple[str, float], ...] = ()
    noise: bool = False

    @property
    def inactive(self) -> bool:
        """Whether the audio is silent or noise; then no mask sounds."""
        return self.silent or self.noise


@dataclass(frozen=True)
class EncodedAudio:
    """A waveform after the audio encoder: encoded once, paired with any number of images."""

    features: AudioFeatures
    summary: AudioSummary


@dataclass(frozen=True)
class Decision:
    """Which masks of a frame sound.

    Attributes:
        probability: (N,) float32, calibrated, that each mask sounds; 0 where the audio is inactive.
        sounding: (N,) bool.
        scores: (N,) float32, scores from which the heatmap is aggregated (Eq. 4).
        absolute: whether scores mean the same in every frame, so that the heatmap is not scaled.
    """

    probability: Tensor
    sounding: Tensor
    scores: Tensor
    absolute: bool = False


def version_of(part: object) -> str:
    """Version of a part's weights; the class name of a part without weights."""
    return str(getattr(part, "version", type(part).__name__))
