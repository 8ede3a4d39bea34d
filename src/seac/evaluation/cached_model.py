"""Cache of image and audio encodings, shared by models with equal encoders."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seac.associate.model import AssociationModule
from seac.associate.trained import Trained, TrainedAssociationWeights
from seac.associate.zero_shot import ZeroShot
from seac.core.types import EncodedAudio, EncodedImage, Proposals
from seac.pipeline import SeAC
from seac.settings import Settings

Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class PackedImage:
    """An encoded image with bit-packed masks: eight pixels per byte."""

    encoded: EncodedImage
    bits: np.ndarray[Any, np.dtype[np.uint8]]
    proposals: Proposals
    shape: tuple[int, ...]

    @classmethod
    def of(cls, encoded: EncodedImage) -> PackedImage:
        """Pack the masks of an encoded image."""
        masks = encoded.proposals.masks
        bits = np.packbits(masks.numpy().reshape(-1))
        kept = replace(encoded.proposals, masks=torch.zeros(len(masks), 0, 0, dtype=torch.bool))
        return cls(replace(encoded, proposals=kept), bits, kept, tuple(masks.shape))

    def unpack(self) -> EncodedImage:
        """The encoded image with unpacked masks."""
        flat = torch.from_numpy(np.unpackbits(self.bits, count=int(np.prod(self.shape)))).bool()
        return replace(self.encoded, proposals=replace(self.proposals, masks=flat.view(self.shape)))


class EncodingCache:
    """Encodings by content and by the parts and settings that determine them.

    Models with equal encoders, segmenter and settings share an encoding, also with different associations.

    Args:
        packed: whether masks are stored bit-packed, for a cache that is kept for more than one clip.
    """

    def __init__(self, *, packed: bool = False) -> None:
        self.packed = packed
        self._images: dict[tuple[Hashable, Key], EncodedImage | PackedImage] = {}
        self._audio: dict[tuple[Hashable, Key], EncodedAudio] = {}
        self._parts: dict[int, object] = {}

    def encode_image(
        self, model: SeAC, image: Any, key: Hashable, original_size: tuple[int, int] | None = None
    ) -> EncodedImage:
        """``model.encode_image``, or its cached result.

        Args:
            model: model that encodes.
            image: in a format of ``model.encode_image``.
            key: identifier of the image; equal for equal images only.
            original_size: argument of ``model.encode_image``.
        """
        entry = key, self._image_key(model)
        if entry not in self._images:
            encoded = model.encode_image(image, original_size)
            self._images[entry] = PackedImage.of(encoded) if self.packed else encoded
        found = self._images[entry]
        return found.unpack() if isinstance(found, PackedImage) else found

    def encode_audio(
        self, model: SeAC, waveform: Any, sample_rate: int, key: Hashable, moment: float | None = None
    ) -> EncodedAudio:
        """``model.encode_audio``, or its cached result; arguments as :meth:`encode_image`."""
        entry = (key, sample_rate, moment), self._audio_key(model)
        if entry not in self._audio:
            self._audio[entry] = model.encode_audio(waveform, sample_rate, moment)
        return self._audio[entry]

    def retain(self, images: Collection[Hashable]) -> None:
        """Drop all audio encodings, and all image encodings except those of some keys."""
        self._images = {entry: image for entry, image in self._images.items() if entry[0] in images}
        self._audio = {}

    def _image_key(self, model: SeAC) -> Key:
        """Key of the parts and settings that determine the encoding of an image."""
        stages, settings = model.stages, model.settings
        parts = self._identify(stages.segmenter, stages.vision, stages.text, stages.to_text_space)
        constants = settings.top_n, settings.exact, settings.views, settings.max_side
        return (type(model), *parts, *constants, tuple(model.vocabulary.names))

    def _audio_key(self, model: SeAC) -> Key:
        """Key of the parts and settings that determine the encoding of audio and its activity."""
        return (type(model), *self._identify(model.stages.audio), model.stages.calibration.floor)

    def _identify(self, *parts: object) -> tuple[int, ...]:
        """A unique number for each part; the cache keeps the part alive, so the number is not reused."""
        self._parts |= {id(part): part for part in parts}
        return tuple(map(id, parts))


class CachedModel(SeAC):
    """A model that encodes every image and waveform once; :meth:`with_association` shares the encodings.

    Args:
        model: model that encodes; the cached model starts with its stages and settings.
        cache: cache of the encodings; None makes a new one with packed masks.

    ``settings.top_n`` limits the masks of a prediction; the cache holds all masks of ``model``.
    """

    def __init__(self, model: SeAC, cache: EncodingCache | None = None) -> None:
        super().__init__(model.stages, model.vocabulary, model.settings)
        self.model = model
        self.cache = EncodingCache(packed=True) if cache is None else cache

    def encode_image(self, image: Any, original_size: tuple[int, int] | None = None) -> EncodedImage:
        """The model's encoding of an image, cached by content; the first ``settings.top_n`` masks."""
        encoded = self.cache.encode_image(self.model, image, digest(image), original_size)
        return first_masks(encoded, self.settings.top_n)

    def encode_audio(self, waveform: Any, sample_rate: int, moment: float | None = None) -> EncodedAudio:
        """The model's encoding of a waveform, cached by content."""
        return self.cache.encode_audio(self.model, waveform, sample_rate, digest(waveform), moment)

    def with_association(
        self, module: AssociationModule, n_masks: int, settings: Settings | None = None
    ) -> CachedModel:
        """A model with the same cache and a trained association module.

        Args:
            module: trained module; it is copied, so training can continue.
            n_masks: masks per frame, at most the cached ones.
            settings: other constants of the decision; the constants of encoding stay those of the model.
        """
        other = CachedModel(self.model, self.cache)
        copied = AssociationModule(module.config)
        copied.load_state_dict({name: value.cpu() for name, value in module.state_dict().items()})
        current = self.stages.association
        zero_shot = current if isinstance(current, ZeroShot) else getattr(current, "zero_shot", None)
        association = Trained(TrainedAssociationWeights(copied), zero_shot=zero_shot)
        other.stages = replace(self.stages, association=association)
        top_n = min(n_masks, self.settings.top_n)
        other.settings = replace(settings or self.settings, top_n=top_n)
        return other


def first_masks(encoded: EncodedImage, count: int) -> EncodedImage:
    """An encoded image with at most ``count`` masks, those with the highest scores."""
    if count >= len(encoded.proposals):
        return encoded
    return replace(
        encoded,
        proposals=encoded.proposals.top(count),
        embeddings=encoded.embeddings.at(torch.arange(count)),
        text_embeddings=encoded.text_embeddings[:count],
    )


def digest(values: Any) -> bytes:
    """A 16-byte digest of an array or tensor."""
    array = np.ascontiguousarray(values.numpy() if isinstance(values, Tensor) else values)
    return hashlib.blake2b(array.tobytes(), digest_size=16, person=str(array.shape).encode()[:16]).digest()
