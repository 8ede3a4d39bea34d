"""Classification by a product of two experts: the classifier of the preset tiny.

Appearance and audio each score every class of a vocabulary from 0 to 1: by a class head where it knows the
class, else by the classes of the encoder. Text similarity maps the classes of both to the classes of the
vocabulary, so the vocabulary is open. A class that is a group also scores its members. The errors of the
experts are largely independent, so their log-likelihoods are added (product of experts, Hinton 2002). A class
that both consider possible scores higher than a class that one considers certain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import as_file, files

import torch
from torch import Tensor

from seac.classify.base import ClassScorers
from seac.classify.parents import Abstention
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.core.context import PartContext
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.encoders.class_heads import ClassHeads, ClassHeadsWeights, read
from seac.encoders.labels.conse import ConSEMapping, IdentityMapping, text_similarity
from seac.encoders.labels.sound_sources import sound_sources

ASSET = "assets/class_heads.safetensors"
PEOPLE = "person"
"""Group of the sound sources that are people."""


@dataclass(frozen=True)
class ExpertsSettings:
    """Constants of the experts, chosen on photographs with recordings by ``python -m benchmarks.names``.

    Attributes:
        lam: weight of the local view in the class probabilities of the image encoder (Eq. 3).
        width: width of the text similarity between two classes, in cosine.
        floor: constant added to every likelihood, so that no single expert excludes a class.
        known: cosine to the nearest class of the class heads: up to the first value a class is scored by the
            encoder's classes, from the second value by the class heads.
        audio_weight: weight of the audio; the image has weight 1.
        group: share of its score that a group ("Animal") passes to a member ("hen").
        abstention: when "animal" is named in place of "hen".
    """

    lam: float = 0.6
    width: float = 0.15
    floor: float = 0.05
    known: tuple[float, float] = (0.7, 0.9)
    audio_weight: float = 0.5
    group: float = 0.1
    abstention: Abstention | None = field(default_factory=lambda: Abstention(name=0.4, group=0.6, power=2.0))


def load_class_heads(weights: ClassHeadsWeights, text: MeanEncoder) -> ClassHeads:
    """Class heads, with text embeddings of their class names."""
    return ClassHeads(weights, class_embeddings(weights.names, text))


def class_heads_of(context: PartContext) -> ClassHeads:
    """The shipped class heads that match the encoders of a model; several parts share them."""
    return shipped_class_heads(context.part("vision"), context.part("audio"), context.part("text"))


def shipped_class_heads(vision: VisionEncoder, audio: AudioEncoder, text: MeanEncoder) -> ClassHeads:
    """The shipped class heads, without the heads that were trained on other encoders."""
    with as_file(files("seac").joinpath(ASSET)) as path:
        return load_class_heads(read(path).matching(vision, audio), text)


class ExpertsClassifier:
    """Product of appearance and audio; a :class:`~seac.classify.base.MaskClassifier`.

    Args:
        class_heads: trained class heads; a head of another encoder is not used.
        image_mapping: maps the classes of the image encoder to text space; the identity if images are
            embedded in text space.
        audio_mapping: maps the classes of the audio encoder to text space.
        settings: constants of the experts.
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
        """Build from the shipped class heads and the classes of the encoders."""
        zero_shot = context.part("zero_shot")
        return cls(context.part("class_heads"), zero_shot.image_mapping, zero_shot.audio_mapping)

    def scorers_for(self, classes: Tensor) -> ClassScorers:
        """Scorers of the classes with embeddings (K, d) of unit length."""
        experts = ClassExperts(self, classes)
        return ClassScorers(experts.score_masks, experts.score_audio, self.settings.abstention)


class ClassExperts:
    """The two experts on one vocabulary.

    Args:
        classifier: the class heads, mappings and settings.
        classes: (K, d) class embeddings of unit length.
    """

    def __init__(self, classifier: ExpertsClassifier, classes: Tensor) -> None:
        self.classifier, self.classes = classifier, classes.cpu()
        width, (far, near) = classifier.settings.width, classifier.settings.known
        vectors, group = classifier.class_heads.vectors.cpu(), classifier.settings.group
        self.audio_relevance = classifier.audio_mapping.relevance(self.classes, width, group)
        self.head_relevance = text_similarity(vectors, self.classes, width)
        self.people = people_of(classifier.class_heads.weights.names)
        self.known = ((vectors @ self.classes.T).amax(0) - far).div(near - far).clamp(0, 1)
        image_mapping = classifier.image_mapping
        self.image_relevance = (
            None
            if isinstance(image_mapping, IdentityMapping)
            else image_mapping.relevance(self.classes, width, group)
        )

    def score_masks(self, masks: MaskEmbeddings) -> Tensor:
        """Appearance scores (log-likelihoods) of N masks: (N, K)."""
        tagger = self._tagger_likelihoods(masks)
        return self._log(self._mixed(tagger, "image", masks.local, masks.local_probabilities))

    def score_audio(self, audio: AudioFeatures) -> Tensor:
        """Audio scores (log-likelihoods) of each class: (K,).

        The probability of a class is its maximum over windows, because sources may be loud in different
        windows.
        """
        if len(audio.embeddings) == 0 or audio.class_probabilities is None:
            return torch.zeros(len(self.classes))
        classes = audio.class_probabilities.cpu()
        tagger = self.classifier.audio_mapping.class_likelihoods(classes, self.audio_relevance)
        likelihoods = self._mixed(tagger, "audio", audio.embeddings, audio.class_probabilities)
        return self.classifier.settings.audio_weight * self._log(likelihoods.amax(0))

    def _mixed(
        self, tagger: Tensor, modality: str, embeddings: Tensor, class_probabilities: Tensor | None
    ) -> Tensor:
        """Likelihoods (n, K) by the class head where it knows the class, else by the encoder's classes."""
        class_heads = self.classifier.class_heads
        if class_probabilities is None or not class_heads.has(modality):
            return tagger
        probabilities = class_heads.probabilities(modality, embeddings, class_probabilities)
        probabilities = probabilities[:, : len(self.head_relevance)]
        if modality == "image":
            probabilities = self._pooled(probabilities)
        head = (probabilities[:, :, None] * self.head_relevance).amax(1)
        return torch.lerp(tagger, head, self.known)

    def _pooled(self, probabilities: Tensor) -> Tensor:
        """Image probabilities (n, M) with the sum over all people for each of them.

        Most training photographs call people "person"; the voice tells man, woman, child and baby apart.
        """
        people = self.people.to(probabilities)
        total = (probabilities @ people)[:, None]
        return torch.where(people > 0, total, probabilities)

    def _tagger_likelihoods(self, masks: MaskEmbeddings) -> Tensor:
        """Likelihoods in [0, 1] by image encoder classes or by text-space embeddings: (N, K)."""
        lam, image_mapping = self.classifier.settings.lam, self.classifier.image_mapping
        if self.image_relevance is None or isinstance(image_mapping, IdentityMapping):
            text_embeddings = image_mapping.to_text_space(masks.mixed(lam).cpu())
            return text_similarity(text_embeddings, self.classes, self.classifier.settings.width)
        return image_mapping.class_likelihoods(masks.mixed_probabilities(lam).cpu(), self.image_relevance)

    def _log(self, likelihoods: Tensor) -> Tensor:
        """Logarithm of likelihoods with the floor added; a likelihood of 0 gives 0."""
        return torch.log1p(likelihoods / self.classifier.settings.floor)


def people_of(names: tuple[str, ...]) -> Tensor:
    """Which classes of the class heads are people: (M,) float32, 0 or 1."""
    people = {source.name for source in sound_sources() if source.group == PEOPLE}
    return torch.tensor([float(name in people) for name in names])
