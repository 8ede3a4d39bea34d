"""Scores of the names of masks, and shares of right ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.names.masks import Named, hits_of, parent_hits
from seac.classify.base import class_scores
from seac.classify.experts import ExpertsClassifier, ExpertsSettings
from seac.classify.parents import Abstention, Parents
from seac.encoders.class_heads import ClassHeads


def scores_of(named: Named, classifier: ExpertsClassifier, classes: Tensor) -> dict[str, Tensor]:
    """Class scores (n, K) of each mask, by appearance, with own and with other audio."""
    scorers = classifier.scorers_for(classes)
    appearance = scorers.score_masks(named.masks)
    found = {"appearance": appearance}
    for name, clips in (("own", named.own), ("other", named.other)):
        found[name] = torch.stack(
            [class_scores(appearance[[row]], scorers.score_audio(clip))[0] for row, clip in enumerate(clips)]
        )
    return found


@dataclass(frozen=True)
class Benchmark:
    """What every section of the page needs.

    Attributes:
        named: the masks and clips.
        classifier: of the model.
        classes: (K, d) class embeddings of the vocabulary.
        vocabulary: its names.
    """

    named: Named
    classifier: ExpertsClassifier
    classes: Tensor
    vocabulary: tuple[str, ...]

    @property
    def parents(self) -> Parents:
        """The groups of the vocabulary."""
        return Parents.of(self.vocabulary)

    def hits(
        self, scores: Mapping[str, Tensor], audio: str, abstention: Abstention | None
    ) -> tuple[NDArray[np.bool_], ...]:
        """Whether names are right, whether they are right or the right parent, and whether parents: (n,).

        Args:
            scores: of :func:`scores_of`.
            audio: which of them, "appearance", "own" or "other".
            abstention: when a group is named.
        """
        found = self.parents.choose(scores[audio], scores["appearance"], abstention)
        exact = hits_of(self.named, found, self.vocabulary)
        either = exact | parent_hits(self.named, found, self.vocabulary)
        return exact, either, np.isin(found.numpy(), self.parents.columns.numpy())


def replaced(
    classifier: ExpertsClassifier,
    *,
    class_heads: ClassHeads | None = None,
    settings: ExpertsSettings | None = None,
) -> ExpertsClassifier:
    """The classifier with other class heads or settings."""
    return ExpertsClassifier(
        class_heads or classifier.class_heads,
        classifier.image_mapping,
        classifier.audio_mapping,
        settings or classifier.settings,
    )
