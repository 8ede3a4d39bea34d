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
from importlib.resources import as_file, files

import torch
from torch import Tensor

from seac.classify.base import ClassScorers
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.core.context import PartContext
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.encoders.class_heads import ClassHeads, ClassHeadsWeights, read
from seac.encoders.labels.conse import ConSEMapping, IdentityMapping, text_similarity

ASSET = "assets/class_heads.safetensors"


@dataclass(frozen=True)
class ExpertsSettings:
    """Constants of the experts, chosen with ``python -m recipes.class_heads``.

    Attributes:
        lam: weight of the local view in the vision tagger's classes (Eq. 3).
        width: how far around itself a class or kind speaks, in cosine.
        floor: added to what an expert says, so that none of them can rule a word out.
        neutral: what the taught say of a word that is far from all that they were taught.
        known: cosine to the nearest kind up to which a word is far, and from which it is known.
        head_weight: weight of the taught by looks; the tagger weighs 1.
        head_audio_weight: weight of the taught by ear; the tagger weighs 1.
        group: how far a class speaks for its sorts, "Animal" for a hen, beside "hen" itself.
    """

    lam: float = 0.6
    width: float = 0.15
    floor: float = 0.1
    neutral: float = 0.1
    known: tuple[float, float] = (0.7, 0.9)
    head_weight: float = 0.3
    head_audio_weight: float = 0.5
    group: float = 0.1


def load_class_heads(weights: ClassHeadsWeights, text: MeanEncoder) -> ClassHeads:
    """Taught kinds, their names placed among words by a text encoder."""
    return ClassHeads(weights, class_embeddings(weights.names, text))


def class_heads_of(context: PartContext) -> ClassHeads:
    """The class heads that ship, for a model's own encoders; several parts share them."""
    return shipped_class_heads(context.part("vision"), context.part("audio"), context.part("text"))


def shipped_class_heads(vision: VisionEncoder, audio: AudioEncoder, text: MeanEncoder) -> ClassHeads:
    """The class heads that ship, as far as these encoders are those that they were trained for."""
    with as_file(files("seac").joinpath(ASSET)) as path:
        return load_class_heads(read(path).matching(vision, audio), text)


class ExpertsClassifier:
    """Taggers and taught kinds; a :class:`~seac.classify.base.MaskClassifier`.

    Args:
        class_heads: that were taught; those of other encoders say nothing.
        image_mapping: the vision encoder's classes among words, or none where its space is that of words.
        audio_mapping: the audio network's classes among words.
        settings: constants.
    """

    def __init__(
        self,
        class_heads: ClassHeads,
        image_mapping: ConSEMapping | IdentityMapping,
        audio_mapping: ConSEMapping,
        settings: ExpertsSettings | None = None,
    ) -> None:
        self.class_heads = class_heads
        self.image_mapping = image_mapping
        self.audio_mapping = audio_mapping
        self.settings = settings or ExpertsSettings()
        self.version = class_heads.weights.version

    @classmethod
    def from_context(cls, context: PartContext) -> ExpertsClassifier:
        """The row of a table: the class heads that ship, and the encoders' own classes."""
        zero_shot = context.part("zero_shot")
        return cls(context.part("class_heads"), zero_shot.image_mapping, zero_shot.audio_mapping)

    def scorers_for(self, classes: Tensor) -> ClassScorers:
        """Who says what of these classes, (K, d) class embeddings of unit length."""
        experts = ClassExperts(self, classes)
        return ClassScorers(experts.score_masks, experts.score_audio)


class ClassExperts:
    """The four experts on one vocabulary.

    Args:
        classifier: what they know. classes: (K, d) class embeddings of unit length.
    """

    def __init__(self, classifier: ExpertsClassifier, classes: Tensor) -> None:
        self.classifier, self.classes = classifier, classes.cpu()
        width, (far, near) = classifier.settings.width, classifier.settings.known
        vectors, group = classifier.class_heads.vectors.cpu(), classifier.settings.group
        self.audio_relevance = classifier.audio_mapping.relevance(self.classes, width, group)
        self.head_relevance = text_similarity(vectors, self.classes, width)
        self.known = ((vectors @ self.classes.T).amax(0) - far).div(near - far).clamp(0, 1)
        image_mapping = classifier.image_mapping
        self.image_relevance = (
            None
            if isinstance(image_mapping, IdentityMapping)
            else image_mapping.relevance(self.classes, width, group)
        )

    def score_masks(self, masks: MaskEmbeddings) -> Tensor:
        """What looks say of each class for each of N masks: (N, K)."""
        head_probabilities = self.classifier.class_heads.probabilities("image", masks.local)
        return self._log(
            self._tagger_likelihoods(masks)
        ) + self.classifier.settings.head_weight * self._head_scores(head_probabilities)

    def score_audio(self, audio: AudioFeatures) -> Tensor:
        """What a sound says of each class: (K,).

        The audio network's classes are heard in the window in which they are likeliest: of two things that
        sound, one is louder now and the other then.
        """
        if len(audio.embeddings) == 0:
            return torch.zeros(len(self.classes))
        head_probabilities = self.classifier.class_heads.probabilities("audio", audio.embeddings)
        head_scores = self.classifier.settings.head_audio_weight * self._head_scores(head_probabilities).mean(
            0
        )
        if audio.class_probabilities is None:
            return head_scores
        tagger_likelihoods = self.classifier.audio_mapping.class_likelihoods(
            audio.class_probabilities.amax(0, keepdim=True).cpu(), self.audio_relevance
        )[0]
        return self._log(tagger_likelihoods) + head_scores

    def _tagger_likelihoods(self, masks: MaskEmbeddings) -> Tensor:
        """From 0 to 1, by the vision tagger's classes, or by where masks are among words: (N, K)."""
        lam, image_mapping = self.classifier.settings.lam, self.classifier.image_mapping
        if self.image_relevance is None or isinstance(image_mapping, IdentityMapping):
            text_embeddings = image_mapping.to_text_space(masks.mixed(lam).cpu())
            return text_similarity(text_embeddings, self.classes, self.classifier.settings.width)
        return image_mapping.class_likelihoods(masks.mixed_probabilities(lam).cpu(), self.image_relevance)

    def _head_scores(self, head_probabilities: Tensor | None) -> Tensor:
        """What taught kinds (n, M) say beside what they say of a word they do not know: (n, K)."""
        if head_probabilities is None:
            return torch.zeros(1, len(self.classes))
        neutral = self.classifier.settings.neutral
        likelihoods = torch.lerp(
            torch.full_like(self.known, neutral), head_probabilities @ self.head_relevance, self.known
        )
        return self._log(likelihoods) - self._log(torch.tensor(neutral))

    def _log(self, likelihoods: Tensor) -> Tensor:
        """Logarithm of what an expert says, 0 for nothing."""
        return torch.log1p(likelihoods / self.classifier.settings.floor)
