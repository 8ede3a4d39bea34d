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
from seac.core.types import MaskEmbeddings, Proposals
from seac.pipeline import Listened, SeAC, Seen, Settings


@dataclass(frozen=True)
class Packed:
    """What was seen, its masks eight pixels to a byte."""

    seen: Seen
    bits: np.ndarray[Any, np.dtype[np.uint8]]
    proposals: Proposals
    shape: tuple[int, ...]

    @classmethod
    def of(cls, seen: Seen) -> Packed:
        """Pack a frame; the picture is kept, the masks are what is large."""
        masks = seen.proposals.masks
        bits = np.packbits(masks.numpy().reshape(-1))
        kept = replace(seen.proposals, masks=torch.zeros(len(masks), 0, 0, dtype=torch.bool))
        return cls(replace(seen, proposals=kept), bits, kept, tuple(masks.shape))

    def unpacked(self, count: int) -> Seen:
        """The frame with its best ``count`` masks."""
        size = int(np.prod(self.shape))
        flat = torch.from_numpy(np.unpackbits(self.bits, count=size)).bool()
        whole = replace(self.proposals, masks=flat.view(self.shape))
        embeddings, named = self.seen.embeddings, self.seen.named
        return replace(
            self.seen,
            proposals=whole.top(count),
            embeddings=first_of(embeddings, count),
            places=self.seen.places[:count],
            named=replace(named, **{name: value[:count] for name, value in vars(named).items()}),
        )


def first_of(embeddings: MaskEmbeddings, count: int) -> MaskEmbeddings:
    """The embeddings of the best ``count`` masks."""
    parts: list[Tensor | None] = [
        None if part is None else part[:count]
        for part in (embeddings.local, embeddings.context, embeddings.local_tags, embeddings.context_tags)
    ]
    return MaskEmbeddings(*parts)  # type: ignore[arg-type]


class Remembering(SeAC):
    """A :class:`~seac.pipeline.SeAC` with a memory; its association can be another one for every question.

    Args:
        model: the model whose eyes, ears and constants it has.
    """

    def __init__(self, model: SeAC) -> None:
        super().__init__(model.stages, model.vocabulary, model.settings)
        self.most = model.settings.top_n
        self._seen: dict[bytes, Packed] = {}
        self._heard: dict[tuple[bytes, int, float | None], Listened] = {}

    def see(self, image: Any, original_size: tuple[int, int] | None = None) -> Seen:
        """As the model sees it; a picture seen before is remembered."""
        key = digest(image)
        if key not in self._seen:
            self._seen[key] = Packed.of(super().see(image, original_size))
        return self._seen[key].unpacked(self.most)

    def hear(self, waveform: Any, sample_rate: int, middle: float | None = None) -> Listened:
        """As the model hears it; a sound heard before is remembered."""
        key = digest(waveform), sample_rate, middle
        if key not in self._heard:
            self._heard[key] = super().hear(waveform, sample_rate, middle)
        return self._heard[key]

    def judging(
        self, module: AssociationModule, n_masks: int, settings: Settings | None = None
    ) -> Remembering:
        """The same memory under a trained module.

        Args:
            module: is copied, so training can go on with it.
            n_masks: masks of a frame.
            settings: other constants.
        """
        other = Remembering(self)
        copied = AssociationModule(module.config)
        copied.load_state_dict({name: value.cpu() for name, value in module.state_dict().items()})
        words = getattr(self.stages.association, "words", None)
        other.stages = replace(self.stages, association=Trained(Weights(copied), words=words))
        other.settings = settings or self.settings
        other.most = min(n_masks, self.most)
        other._seen, other._heard = self._seen, self._heard
        return other


def digest(values: Any) -> bytes:
    """What an array or tensor holds, in 16 bytes."""
    array = np.ascontiguousarray(values.numpy() if isinstance(values, Tensor) else values)
    return hashlib.blake2b(array.tobytes(), digest_size=16, person=str(array.shape).encode()[:16]).digest()
