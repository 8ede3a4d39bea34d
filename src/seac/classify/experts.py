"""Names by taggers and by kinds that were taught: the naming that ships with tiny.

Four experts speak of every word of a vocabulary, each from 0 to 1: the vision tagger's classes, the kinds
that were taught by looks, the audio network's classes, the kinds that were taught by ear. A class or kind
speaks for the words that are close to it, so any word may be asked for, and a group for all of its sorts.
The experts err apart, so their logarithms are added (a product of experts, Hinton 2002): a word that one of
them has never heard of needs the others, and one that all think possible beats one that a single expert is
sure of.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seac.classify.base import Witnesses
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.class_heads import Kinds, KindsWeights
from seac.encoders.labels.conse import Bridge, NoBridge, closeness


@dataclass(frozen=True)
class TaughtSettings:
    """Constants of the experts, chosen with ``python -m recipes.class_heads``.

    Attributes:
        lam: weight of the local view in the vision tagger's classes (Eq. 3).
        width: how far around itself a class or kind speaks, in cosine.
        floor: added to what an expert says, so that none of them can rule a word out.
        neutral: what the taught say of a word that is far from all that they were taught.
        known: cosine to the nearest kind up to which a word is far, and from which it is known.
        seen: weight of the taught by looks; the tagger weighs 1.
        heard: weight of the taught by ear; the tagger weighs 1.
        group: how far a class speaks for its sorts, "Animal" for a hen, beside "hen" itself.
    """

    lam: float = 0.6
    width: float = 0.15
    floor: float = 0.1
    neutral: float = 0.1
    known: tuple[float, float] = (0.7, 0.9)
    seen: float = 0.3
    heard: float = 0.5
    group: float = 0.1


def kinds_among(weights: KindsWeights, text: MeanEncoder) -> Kinds:
    """Taught kinds, their names placed among words by a text encoder."""
    return Kinds(weights, class_embeddings(weights.names, text))


class Taught:
    """Taggers and taught kinds; a :class:`~seac.classify.base.Naming`.

    Args:
        kinds: that were taught; those of other encoders say nothing.
        sight: the vision encoder's classes among words, or none where its space is that of words.
        hearing: the audio network's classes among words.
        settings: constants.
    """

    def __init__(
        self, kinds: Kinds, sight: Bridge | NoBridge, hearing: Bridge, settings: TaughtSettings | None = None
    ) -> None:
        self.kinds = kinds
        self.sight = sight
        self.hearing = hearing
        self.settings = settings or TaughtSettings()
        self.version = kinds.weights.version

    def among(self, classes: Tensor) -> Witnesses:
        """Who says what of these classes, (K, d) class embeddings of unit length."""
        experts = Experts(self, classes)
        return Witnesses(experts.sight, experts.sound)


class Experts:
    """The four experts on one vocabulary.

    Args:
        naming: what they know. classes: (K, d) class embeddings of unit length.
    """

    def __init__(self, naming: Taught, classes: Tensor) -> None:
        self.naming, self.classes = naming, classes.cpu()
        width, (far, near) = naming.settings.width, naming.settings.known
        vectors, group = naming.kinds.vectors.cpu(), naming.settings.group
        self.heard = naming.hearing.about(self.classes, width, group)
        self.kinds = closeness(vectors, self.classes, width)
        self.known = ((vectors @ self.classes.T).amax(0) - far).div(near - far).clamp(0, 1)
        sight = naming.sight
        self.seen = None if isinstance(sight, NoBridge) else sight.about(self.classes, width, group)

    def sight(self, masks: MaskEmbeddings) -> Tensor:
        """What looks say of each class for each of N masks: (N, K)."""
        taught = self.naming.kinds.of("sight", masks.local)
        return self._log(self._tagged(masks)) + self.naming.settings.seen * self._taught(taught)

    def sound(self, audio: AudioFeatures) -> Tensor:
        """What a sound says of each class: (K,).

        The audio network's classes are heard in the window in which they are likeliest: of two things that
        sound, one is louder now and the other then.
        """
        if len(audio.embeddings) == 0:
            return torch.zeros(len(self.classes))
        taught = self.naming.kinds.of("sound", audio.embeddings)
        told = self.naming.settings.heard * self._taught(taught).mean(0)
        if audio.tags is None:
            return told
        tagged = self.naming.hearing.told(audio.tags.amax(0, keepdim=True).cpu(), self.heard)[0]
        return self._log(tagged) + told

    def _tagged(self, masks: MaskEmbeddings) -> Tensor:
        """From 0 to 1, by the vision tagger's classes, or by where masks are among words: (N, K)."""
        lam, sight = self.naming.settings.lam, self.naming.sight
        if self.seen is None or isinstance(sight, NoBridge):
            places = sight.place(masks.mixed(lam).cpu())
            return closeness(places, self.classes, self.naming.settings.width)
        return sight.told(masks.mixed_tags(lam).cpu(), self.seen)

    def _taught(self, kinds: Tensor | None) -> Tensor:
        """What taught kinds (n, M) say beside what they say of a word they do not know: (n, K)."""
        if kinds is None:
            return torch.zeros(1, len(self.classes))
        neutral = self.naming.settings.neutral
        said = torch.lerp(torch.full_like(self.known, neutral), kinds @ self.kinds, self.known)
        return self._log(said) - self._log(torch.tensor(neutral))

    def _log(self, said: Tensor) -> Tensor:
        """Logarithm of what an expert says, 0 for nothing."""
        return torch.log1p(said / self.naming.settings.floor)
