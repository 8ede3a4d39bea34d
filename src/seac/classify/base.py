"""Stage 3: classification of masks from appearance scores and audio scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from seac.classify.parents import Abstention, Parents
from seac.classify.prompts import MeanEncoder, class_embeddings
from seac.classify.semantic import classify_masks
from seac.classify.synonyms import known_names
from seac.classify.vocabulary import default_vocabulary
from seac.core.context import PartContext
from seac.core.tracks import FrameTracks
from seac.core.types import AudioFeatures, EncodedImage, MaskEmbeddings

MATCH_WIDTH = 1.0
"""Difference of appearance scores at which a mask gets 1/e of the audio score of a class."""


@dataclass(frozen=True)
class ClassScorers:
    """Scores of K classes.

    Attributes:
        score_masks: appearance scores (N, K) of N masks from their embeddings.
        score_audio: audio scores (K,), 0 for classes without an audio score.
        abstention: when a group is named in place of a class, for scores that are log-likelihoods; None never
            names a group.
    """

    score_masks: Callable[[MaskEmbeddings], Tensor]
    score_audio: Callable[[AudioFeatures], Tensor]
    abstention: Abstention | None = None


class MaskClassifier(Protocol):
    """Stage 3's classifier, for any vocabulary."""

    def scorers_for(self, classes: Tensor) -> ClassScorers:
        """Scorers of the classes with embeddings (K, d) of unit length."""
        ...


@dataclass(frozen=True)
class ZeroShotClassifier:
    """The classifier of the paper, which uses the appearance of a mask only.

    Attributes:
        to_text_space: maps mask embeddings to text-space embeddings (N, d).
    """

    to_text_space: Callable[[MaskEmbeddings], Tensor]

    @classmethod
    def from_context(cls, context: PartContext) -> ZeroShotClassifier:
        """Build from the text-space mapping of the association."""
        return cls(context.part("association_method").to_text_space)

    def scorers_for(self, classes: Tensor) -> ClassScorers:
        """Appearance scores are the cosine of Eq. 5; audio scores are zero."""
        return ClassScorers(
            lambda masks: self.to_text_space(masks).cpu() @ classes.T, lambda audio: torch.zeros(len(classes))
        )


def class_scores(mask_scores: Tensor, audio_scores: Tensor) -> Tensor:
    """Score of each class for each of N sounding masks of a frame: (N, K) float32.

    With several sounding masks, the audio score of a class goes to the mask that matches the class best.

    Args:
        mask_scores: (N, K) appearance scores.
        audio_scores: (K,) audio scores.
    """
    return mask_scores + torch.exp((mask_scores - mask_scores.amax(0)) / MATCH_WIDTH) * audio_scores


class VocabularyClassifier:
    """Stage 3 for one vocabulary; text is encoded when the first mask is classified.

    Args:
        names: names of K classes.
        text: text encoder of the names, averaged over the prompt templates.
        classifier: classifier of masks, for any vocabulary.
    """

    def __init__(self, names: Sequence[str], text: MeanEncoder, classifier: MaskClassifier) -> None:
        self.names, self.text, self.classifier = names, text, classifier

    @cached_property
    def classes(self) -> Tensor:
        """Class embeddings of unit length: (K, d)."""
        return class_embeddings(known_names(self.names), self.text)

    @cached_property
    def scorers(self) -> ClassScorers:
        """Scorers of the classes."""
        return self.classifier.scorers_for(self.classes)

    @cached_property
    def parents(self) -> Parents:
        """The groups of the vocabulary; none if the classifier never names them, unless it is the default."""
        if self.scorers.abstention is None and tuple(self.names) != default_vocabulary().names:
            return Parents.none(len(self.names))
        return Parents.of(self.names)

    def __call__(
        self,
        image: EncodedImage,
        audio: AudioFeatures,
        active: Tensor,
        embed_crops: Callable[[Tensor], MaskEmbeddings],
        tracks: FrameTracks,
        probability: Tensor | None = None,
    ) -> Tensor:
        """Class of every mask of a frame: (N,) int64, from 0.

        Inactive masks get the class with the best cosine of Eq. 5. Active masks are classified from
        high-resolution crops together with the audio; where their class is unsure, by their group.

        Args:
            image: the frame.
            audio: features of its audio.
            active: (N,) bool.
            embed_crops: embeddings of crops of masks (n,) int64.
            tracks: tracks of the masks; class scores are averaged over time along a track.
            probability: (N,) probability that each mask sounds, the weight of this frame in the average.
        """
        ordinary = self.parents.ordinary
        labels = ordinary[classify_masks(image.text_embeddings, self.classes[ordinary]).labels]
        rows = torch.nonzero(active)[:, 0]
        if len(rows) == 0:
            return labels
        crops = tracks.aggregate_crops(rows, lambda new: self.scorers.score_masks(embed_crops(rows[new])))
        scores = class_scores(crops, self.scorers.score_audio(audio))
        weight = torch.ones(len(rows)) if probability is None else probability[rows]
        averaged = tracks.average_scores(rows, scores, weight)
        return labels.index_copy(0, rows, self.parents.choose(averaged, crops, self.scorers.abstention))
