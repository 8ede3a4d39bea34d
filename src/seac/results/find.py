"""Finding by a phrase: tracks of which both the image and the audio agree with it. Numbers only, no network.

The phrase is given by its cosines with the class names, see :func:`seac.classify.find.encode_phrase`.
``python -m benchmarks.find`` chooses the constants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seac.results.values import AudioSteps

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Phrase:
    """A phrase in text space.

    Attributes:
        text: as the user gave it.
        names: (C,) float32 cosine with each class name, ``VideoResult.labels[1:]``.
        audio_names: (D,) float32 cosine with each of ``VideoResult.audio_labels``.
    """

    text: str
    names: Floats
    audio_names: Floats


@dataclass(frozen=True)
class FindRule:
    """Constants.

    Attributes:
        image_width: difference of cosines to the nearest class name at which a name counts 1/e.
        audio_width: the same of audio classes.
        nearest: least cosine of a nearest name; a phrase that is unlike every name agrees with little.
        image: least agreement of a track.
        audio: least agreement of a step.
    """

    image_width: float = 0.1
    audio_width: float = 0.25
    nearest: float = 0.5
    image: float = 0.05
    audio: float = 0.05


def relevance(cosine: Floats, width: float, nearest: float) -> Floats:
    """How much each name belongs to the phrase: in [0, 1], 1 for the nearest name.

    Args:
        cosine: (C,) of each name with the phrase.
        width: see :class:`FindRule`.
        nearest: see :class:`FindRule`.
    """
    top = max(nearest, float(cosine.max(initial=-1)))
    return np.asarray(np.exp((cosine - top) / width), np.float32)


def image_agreement(class_scores: Floats, phrase: Phrase, rule: FindRule) -> Floats:
    """Agreement of T tracks or masks with a phrase: (T,) float32 in [0, 1].

    Args:
        class_scores: (T, C) share of each class name, as of :class:`seac.results.values.StoredTrack`.
        phrase: in text space.
        rule: constants.
    """
    shares = class_scores / np.maximum(class_scores.sum(1, keepdims=True), 1e-9)
    return np.asarray(shares @ relevance(phrase.names, rule.image_width, rule.nearest), np.float32)


def audio_agreement(
    sources: NDArray[np.int64], probabilities: Floats, phrase: Phrase, rule: FindRule
) -> Floats:
    """Agreement of S steps with a phrase: (S,) float32 in [0, 1]; 0 without classes.

    Args:
        sources: (S, k) likeliest audio classes, -1 where there are fewer.
        probabilities: (S, k) of them.
        phrase: in text space.
        rule: constants.
    """
    relevant = relevance(phrase.audio_names, rule.audio_width, rule.nearest)[sources]
    weights = probabilities * (sources >= 0)
    total = np.maximum(weights.sum(1), 1e-9)
    return np.asarray((relevant * weights).sum(1) / total, np.float32)


def find_tracks(class_scores: Floats, phrase: Phrase, rule: FindRule | None = None) -> Bools:
    """Which of T tracks show what the phrase says: (T,) bool; arguments of :func:`image_agreement`."""
    rule = rule or FindRule()
    return np.asarray(image_agreement(class_scores, phrase, rule) >= rule.image)


def find_steps(steps: AudioSteps, phrase: Phrase, rule: FindRule | None = None) -> Bools:
    """In which steps the audio is what the phrase says: (S,) bool."""
    rule = rule or FindRule()
    return np.asarray(audio_agreement(steps.sources, steps.source_probabilities, phrase, rule) >= rule.audio)
