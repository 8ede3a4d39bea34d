"""A model that sees each picture and hears each sound once, so that many associations can judge them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seac.associate.model import AssociationModule
from seac.associate.trained import Trained, Weights
from seac.core.types import EncodedAudio, EncodedImage, MaskEmbeddings, Proposals
from seac.pipeline import SeAC
from seac.settings import Settings


@dataclass(frozen=True)
class PackedImage:
    """What was seen, its masks eight pixels to a byte."""

    encoded: EncodedImage
    bits: np.ndarray[Any, np.dtype[np.uint8]]
    proposals: Proposals
    shape: tuple[int, ...]

    @classmethod
    def of(cls, encoded: EncodedImage) -> PackedImage:
        """Pack a frame; the picture is kept, the masks are what is large."""
        masks = encoded.proposals.masks
        bits = np.packbits(masks.numpy().reshape(-1))
        kept = replace(encoded.proposals, masks=torch.zeros(len(masks), 0, 0, dtype=torch.bool))
        return cls(replace(encoded, proposals=kept), bits, kept, tuple(masks.shape))

    def unpack(self, count: int) -> EncodedImage:
        """The frame with its best ``count`` masks."""
        size = int(np.prod(self.shape))
        flat = torch.from_numpy(np.unpackbits(self.bits, count=size)).bool()
        restored = replace(self.proposals, masks=flat.view(self.shape))
        return replace(
            self.encoded,
            proposals=restored.top(count),
            embeddings=first_of(self.encoded.embeddings, count),
            text_embeddings=self.encoded.text_embeddings[:count],
        )


def first_of(embeddings: MaskEmbeddings, count: int) -> MaskEmbeddings:
    """The embeddings of the best ``count`` masks."""
    parts: list[Tensor | None] = [
        None if part is None else part[:count]
        for part in (
            embeddings.local,
            embeddings.context,
            embeddings.local_probabilities,
            embeddings.context_probabilities,
        )
    ]
    return MaskEmbeddings(*parts)  # type: ignore[arg-type]


class CachedModel(SeAC):
    """A :class:`~seac.pipeline.SeAC` with a memory; its association can be another one for every question.

    Args:
        model: the model whose eyes, ears and constants it has.
    """

    def __init__(self, model: SeAC) -> None:
        super().__init__(model.stages, model.vocabulary, model.settings)
        self.max_masks = model.settings.top_n
        self._images: dict[bytes, PackedImage] = {}
        self._audio: dict[tuple[bytes, int, float | None], EncodedAudio] = {}

    def encode_image(self, image: Any, original_size: tuple[int, int] | None = None) -> EncodedImage:
        """As the model sees it; a picture seen before is remembered."""
        key = digest(image)
        if key not in self._images:
            self._images[key] = PackedImage.of(super().encode_image(image, original_size))
        return self._images[key].unpack(self.max_masks)

    def encode_audio(self, waveform: Any, sample_rate: int, middle: float | None = None) -> EncodedAudio:
        """As the model hears it; a sound heard before is remembered."""
        key = digest(waveform), sample_rate, middle
        if key not in self._audio:
            self._audio[key] = super().encode_audio(waveform, sample_rate, middle)
        return self._audio[key]

    def with_association(
        self, module: AssociationModule, n_masks: int, settings: Settings | None = None
    ) -> CachedModel:
        """The same memory under a trained module.

        Args:
            module: is copied, so training can go on with it.
            n_masks: masks of a frame.
            settings: other constants.
        """
        other = CachedModel(self)
        copied = AssociationModule(module.config)
        copied.load_state_dict({name: value.cpu() for name, value in module.state_dict().items()})
        zero_shot = getattr(self.stages.association, "zero_shot", None)
        other.stages = replace(self.stages, association=Trained(Weights(copied), zero_shot=zero_shot))
        other.settings = settings or self.settings
        other.max_masks = min(n_masks, self.max_masks)
        other._images, other._audio = self._images, self._audio
        return other


def digest(values: Any) -> bytes:
    """What an array or tensor holds, in 16 bytes."""
    array = np.ascontiguousarray(values.numpy() if isinstance(values, Tensor) else values)
    return hashlib.blake2b(array.tobytes(), digest_size=16, person=str(array.shape).encode()[:16]).digest()
