"""Association without any training: masks and sound meet among words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import TextEncoder
from seac.encoders.labels.conse import Bridge, NoBridge
from seac.encoders.text.minilm import MiniLM


@dataclass(frozen=True)
class ZeroShotSettings:
    """Constants of the zero-shot association, chosen with ``benchmarks/pairwise_choice.py``.

    Attributes:
        lam: weight of the local view (Eq. 3).
        top: how many classes the bridge takes.
        pool: how the tags of a sound's windows become one.
        described: class names in plain words (see :mod:`seac.encoders.labels.descriptions`).
        centred: text space without the mean of all names.
    """

    lam: float = 0.6
    top: int = 10
    pool: Literal["mean", "max", "both"] = "mean"
    described: bool = True
    centred: bool = False

    @classmethod
    def plain(cls) -> ZeroShotSettings:
        """ConSE as published, with bare class names."""
        return cls(described=False)


def pooled_tags(tags: Tensor, pool: Literal["mean", "max", "both"]) -> Tensor:
    """Tags of a sound's windows, (n, C), as one row (1, C); no windows give zeros."""
    if len(tags) == 0:
        return tags.new_zeros(1, tags.shape[1])
    mean, peak = tags.mean(0, keepdim=True), tags.amax(0, keepdim=True)
    return {"mean": mean, "max": peak, "both": (mean + peak) / 2}[pool]


class ZeroShot:
    """Cosine of masks and sound in text space; an :class:`~seac.associate.base.Association`."""

    def __init__(self, sight: Bridge | NoBridge, hearing: Bridge, settings: ZeroShotSettings) -> None:
        self.sight = sight
        self.hearing = hearing
        self.settings = settings

    @classmethod
    def load(
        cls,
        sight_labels: tuple[str, ...],
        sound_labels: tuple[str, ...],
        text: TextEncoder | None = None,
        settings: ZeroShotSettings | None = None,
    ) -> ZeroShot:
        """Bridges for a vision encoder's and an audio encoder's labels.

        Args:
            sight_labels: ``VisionEncoder.labels``; none where the encoder's space is the text encoder's own.
            sound_labels: ``AudioEncoder.labels``.
            text: MiniLM if None.
            settings: the defaults if None.
        """
        settings = settings or ZeroShotSettings()
        text = text or MiniLM()
        sight, hearing = (
            Bridge.load(
                labels, text, top=settings.top, described=settings.described, centred=settings.centred
            )
            for labels in (sight_labels, sound_labels)
        )
        return cls(sight if sight_labels else NoBridge(), hearing, settings)

    def place_masks(self, masks: MaskEmbeddings) -> Tensor:
        """Every mask among words: (N, d) of unit length, on the CPU."""
        if isinstance(self.sight, NoBridge):
            return self.sight.place(masks.mixed(self.settings.lam)).cpu()
        return self.sight.place(masks.mixed_tags(self.settings.lam)).cpu()

    def place_sound(self, audio: AudioFeatures) -> Tensor:
        """A sound among words: (d,) of unit length, zero if nothing was heard.

        Raises:
            ValueError: the audio network has no sound classes.
        """
        if audio.tags is None:
            raise ValueError(
                "zero-shot association needs an audio network with sound classes, this one has none"
            )
        return self.hearing.place(pooled_tags(audio.tags, self.settings.pool))[0]

    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Cosine similarity of N masks of one frame with one sound: (N,) float32."""
        return self.place_masks(masks) @ self.place_sound(audio)
