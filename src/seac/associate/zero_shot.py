"""Zero-shot association: cosine of masks and audio in text space, without training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import TextEncoder
from seac.encoders.labels.conse import ConSEMapping, IdentityMapping
from seac.encoders.text.minilm import MiniLM


@dataclass(frozen=True)
class ZeroShotSettings:
    """Constants of the zero-shot association.

    Attributes:
        lam: weight of the local view (Eq. 3).
        top: number of classes in the ConSE mapping.
        pool: pooling of the class probabilities of the windows.
        described: whether class names are replaced by descriptions (see
            :mod:`seac.encoders.labels.descriptions`).
        centred: whether the mean of all class names is subtracted in text space.
    """

    lam: float = 0.6
    top: int = 10
    pool: Literal["mean", "max", "both"] = "mean"
    described: bool = True
    centred: bool = False

    @classmethod
    def undescribed(cls) -> ZeroShotSettings:
        """ConSE as published, with bare class names."""
        return cls(described=False)


def pool_probabilities(class_probabilities: Tensor, pool: Literal["mean", "max", "both"]) -> Tensor:
    """Pool class probabilities of windows (n, C) to one row (1, C); no windows give zeros."""
    if len(class_probabilities) == 0:
        return class_probabilities.new_zeros(1, class_probabilities.shape[1])
    mean, peak = class_probabilities.mean(0, keepdim=True), class_probabilities.amax(0, keepdim=True)
    return {"mean": mean, "max": peak, "both": (mean + peak) / 2}[pool]


class ZeroShot:
    """Cosine of masks and audio in text space; an :class:`~seac.associate.base.Association`."""

    def __init__(
        self,
        image_mapping: ConSEMapping | IdentityMapping,
        audio_mapping: ConSEMapping,
        settings: ZeroShotSettings,
    ) -> None:
        self.image_mapping = image_mapping
        self.audio_mapping = audio_mapping
        self.settings = settings

    @classmethod
    def load(
        cls,
        image_labels: tuple[str, ...],
        audio_labels: tuple[str, ...],
        text: TextEncoder | None = None,
        settings: ZeroShotSettings | None = None,
    ) -> ZeroShot:
        """Build the ConSE mappings of a vision encoder and an audio encoder.

        Args:
            image_labels: ``VisionEncoder.labels``; empty if images and text share a space.
            audio_labels: ``AudioEncoder.labels``.
            text: text encoder; MiniLM if None.
            settings: settings; the defaults if None.
        """
        settings = settings or ZeroShotSettings()
        text = text or MiniLM()
        image_mapping, audio_mapping = (
            ConSEMapping.load(
                labels, text, top=settings.top, described=settings.described, centred=settings.centred
            )
            for labels in (image_labels, audio_labels)
        )
        return cls(image_mapping if image_labels else IdentityMapping(), audio_mapping, settings)

    @classmethod
    def from_context(cls, context: PartContext) -> ZeroShot:
        """Build from the encoders of a model.

        Raises:
            InputError: the audio encoder has no classes, or the text encoder has another embedding space.
        """
        audio = context.part("audio")
        if not audio.labels:
            raise InputError(
                f"{type(audio).__name__} has no audio classes, so its association must be trained: give "
                "--association-weights RUN (from `seac train`), or --audio-encoder audio-student or "
                "clap-htsat"
            )
        mappings: ZeroShot = context.part("zero_shot")
        return mappings

    def to_text_space(self, masks: MaskEmbeddings) -> Tensor:
        """Text-space embedding of every mask: (N, d) of unit length, on the CPU."""
        if isinstance(self.image_mapping, IdentityMapping):
            return self.image_mapping.to_text_space(masks.mixed(self.settings.lam)).cpu()
        return self.image_mapping.to_text_space(masks.mixed_probabilities(self.settings.lam)).cpu()

    def audio_to_text_space(self, audio: AudioFeatures) -> Tensor:
        """Text-space embedding of audio: (d,) of unit length, zero for audio without windows.

        Raises:
            ValueError: the audio encoder has no classes.
        """
        if audio.class_probabilities is None:
            raise ValueError("zero-shot association needs an audio encoder with classes, this one has none")
        return self.audio_mapping.to_text_space(
            pool_probabilities(audio.class_probabilities, self.settings.pool)
        )[0]

    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Cosine similarity of N masks of one frame with the audio: (N,) float32."""
        return self.to_text_space(masks) @ self.audio_to_text_space(audio)

    def of_windows(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Cosine similarity of N masks with each of S windows of audio by itself: (S, N) float32.

        Raises:
            ValueError: the audio encoder has no classes.
        """
        if audio.class_probabilities is None:
            raise ValueError("zero-shot association needs an audio encoder with classes, this one has none")
        return self.audio_mapping.to_text_space(audio.class_probabilities) @ self.to_text_space(masks).T


def zero_shot_of(context: PartContext) -> ZeroShot:
    """Zero-shot association of the encoders of a model; several parts share it.

    Raises:
        InputError: images and text have different embedding spaces, and the image encoder has no classes.
    """
    vision, audio, text = (context.part(kind) for kind in ("vision", "audio", "text"))
    if not vision.labels and getattr(vision, "space", None) != getattr(text, "space", ""):
        raise InputError(f"{type(vision).__name__} has no classes: use the text encoder of the same weights")
    return ZeroShot.load(vision.labels, audio.labels, text)
