"""Masks of encoded photographs and composites of the dev side, under recordings."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.calibration.reliability import MaskSet
from recipes.sounding.__main__ import load_store
from recipes.sounding.evaluate import PairScore, score_pairs
from recipes.sounding.scenes import SceneSampler
from seac.classify.experts import ExpertsClassifier
from seac.decision.calibration import Calibration
from seac.decision.network_head import MAX_LOGIT
from seac.decision.sounding_head import LearnedSoundingHead
from seac.pipeline import SeAC

EPSILON = 1e-6
"""Distance of a probability from 0 and 1 before its logit."""


def measure_pairs(options: argparse.Namespace, model: SeAC, kind: str) -> MaskSet:
    """Masks of frames of a kind, half of the frames under a clip of something in them.

    Args:
        options: ``data``, ``media``, ``work``, ``seed`` as in ``recipes.sounding``, and ``count`` frames.
        model: the preset with the learned sounding head.
        kind: "photographs" or "composites".
    """
    head, classifier = model.stages.sounding_head, model.stages.classifier
    assert isinstance(head, LearnedSoundingHead)
    assert isinstance(classifier, ExpertsClassifier)
    networks = classifier.class_heads.weights.networks
    store = load_store(options, "dev", model, (kind,))
    sampler = SceneSampler(*store.encoded([networks["image"]], [networks["audio"]]), options.seed)
    pairs = score_pairs(head.network, sampler, options.count)
    return collect(kind, (score for pair in pairs for score in pair), model.stages.calibration)


def collect(name: str, scores: Iterable[PairScore], calibration: Calibration) -> MaskSet:
    """Masks of frames and composites under own and other clips, own first, in turn."""
    found = list(scores)
    images = {image: number for number, image in enumerate(sorted({each.name for each in found}))}
    sizes = [len(each.probabilities) for each in found]
    right = [each.sounds & (number % 2 == 0) for number, each in enumerate(found)]
    return MaskSet(
        name,
        calibrated(np.concatenate([each.probabilities for each in found]), calibration),
        np.concatenate(right),
        np.repeat(np.arange(len(found)), sizes),
        np.repeat([images[each.name] for each in found], sizes),
    )


def calibrated(probabilities: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float64]:
    """Probabilities (M,) of the network as the pipeline gives them, after its calibration."""
    logits = torch.logit(torch.from_numpy(probabilities), EPSILON).clamp(-MAX_LOGIT, MAX_LOGIT)
    return np.asarray(calibration.probability(logits).double().numpy())
