"""Scores of a sounding head and of class heads on frames and recordings that were not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recipes.sounding.class_heads import mask_sources
from recipes.sounding.scenes import SceneSampler
from recipes.sounding.store import Store
from seac.decision.sounding_network import SoundingInputs, SoundingNetwork

INSIDE = 0.5
"""Share of the likeliest mask inside a sounding instance from which the peak is a hit."""
THRESHOLD = 0.5
BINS = 10


@dataclass(frozen=True)
class PairScore:
    """A frame under one clip.

    Attributes:
        name: of the picture, see :class:`~recipes.sounding.frames.AnnotatedFrame`.
        probability: of the likeliest mask.
        inside: share of the likeliest mask in a sounding instance.
        iou: of the likeliest mask and a sounding instance.
        best_iou: of the best mask and a sounding instance.
        active: number of masks from the threshold.
        probabilities: of all masks.
        sounds: whether each mask is a sounding instance.
    """

    name: str
    probability: float
    inside: float
    iou: float
    best_iou: float
    active: int
    probabilities: NDArray[np.float32]
    sounds: NDArray[np.bool_]


def score_pairs(
    network: SoundingNetwork, sampler: SceneSampler, count: int
) -> Iterator[tuple[PairScore, PairScore]]:
    """Yield scores of frames under a clip of something in it, and under a clip of something absent."""
    frames, clips = sampler.frames, sampler.clips
    for number in range(count):
        name = sampler.seen_classes[number % len(sampler.seen_classes)]
        frame, own = sampler.frame(name), sampler.clip(name)
        audible = clips.audible[own]
        sources = frames.frames[frame].sources
        if not ((sources >= 0) & audible.numpy()[sources]).any():
            continue
        other = own
        while bool(clips.audible[other][list(sampler.seen[frame])].any()):
            other = sampler.clip(sampler.classes[sampler.rng.integers(len(sampler.classes))])
        yield score(network, sampler, frame, own, audible), score(network, sampler, frame, other, audible)


@torch.inference_mode()
def score(
    network: SoundingNetwork, sampler: SceneSampler, frame: int, clip: int, audible: Tensor
) -> PairScore:
    """Score a frame under a clip; sources ``audible`` (K,) bool are those of its own clip."""
    features, clips = sampler.frames.frames[frame], sampler.clips
    inputs = SoundingInputs(
        torch.from_numpy(features.local)[None].float(),
        torch.from_numpy(features.context)[None].float(),
        sampler.frames.probabilities[frame][None],
        torch.from_numpy(features.geometry)[None],
        (sampler.frames.text[frame] @ clips.text[clip])[None],
        torch.zeros(1, len(features), dtype=torch.bool),
        clips.clips.embeddings[clip][None].float(),
        clips.probabilities[clip][None],
        clips.cues[clip][None],
    )
    probabilities = network(inputs).log_odds()[0].sigmoid().numpy()
    sounding = (features.sources >= 0) & audible.numpy()[features.sources]
    iou, inside = features.iou[:, sounding].max(1), features.inside[:, sounding].max(1)
    best = int(probabilities.argmax())
    return PairScore(
        features.name,
        *(float(probabilities[best]), float(inside[best]), float(iou[best]), float(iou.max())),
        int((probabilities >= THRESHOLD).sum()),
        probabilities,
        iou >= 0.5,
    )


def summarise_pairs(network: SoundingNetwork, sampler: SceneSampler, count: int) -> dict[str, float]:
    """Means over the pairs of :func:`score_pairs`.

    ``peak``: the likeliest mask is inside a sounding instance; ``active``, ``active_other``: something is
    active under the own and under another clip; ``iou``, ``best_iou``; ``decided_iou``: 0 without an
    active mask; ``auroc``: of the likeliest mask's probability, own against other; ``calibration_error``:
    expected calibration error of the masks of both.
    """
    pairs = list(score_pairs(network, sampler, count))
    own, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def mean(of: Callable[[PairScore], float], scores: list[PairScore] = own) -> float:
        return float(np.mean([of(each) for each in scores]))

    positive, negative = (np.array([each.probability for each in part]) for part in (own, other))
    sure = np.concatenate([each.probabilities for pair in pairs for each in pair])
    right = np.concatenate([each.sounds & (each is pair[0]) for pair in pairs for each in pair])
    figures = {
        "peak": mean(lambda each: each.inside > INSIDE),
        "active": mean(lambda each: each.active > 0),
        "active_other": mean(lambda each: each.active > 0, other),
        "iou": mean(lambda each: each.iou),
        "best_iou": mean(lambda each: each.best_iou),
        "decided_iou": mean(lambda each: each.iou * (each.active > 0)),
        "masks": mean(lambda each: each.active),
        "auroc": float((positive[:, None] > negative[None]).mean()),
        "calibration_error": calibration_error(sure, right),
        "pairs": len(pairs),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def calibration_error(probabilities: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width."""
    which = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    error = 0.0
    for number in range(BINS):
        rows = which == number
        if rows.any():
            error += rows.mean() * abs(float(probabilities[rows].mean()) - float(right[rows].mean()))
    return error


def summarise_heads(store: Store, image: Tensor, audio: Tensor, audible: Tensor) -> dict[str, float]:
    """Shares of masks and clips whose likeliest source is right, over all and as a mean over classes.

    Args:
        store: of the frames and clips.
        image: (M, K + 1) class probabilities of its masks.
        audio: (n, K) class probabilities of its clips.
        audible: (n, K) bool, sources that may sound in each clip.
    """
    sources = torch.cat([mask_sources(frame)[0] for frame in store.frames])
    known = sources >= 0
    right = image[known, :-1].argmax(1) == sources[known]
    by_class = [
        float(right[sources[known] == source].float().mean())
        for source in sorted(set(sources[known].tolist()))
    ]
    single = torch.tensor([len(names) == 1 for names in store.clips.classes]) & audible.any(1)
    top = audio[single].topk(5, 1).indices
    hits = audible[single].gather(1, top)
    figures = {
        "masks_top1": float(right.float().mean()),
        "masks_by_class": float(np.mean(by_class)),
        "clips_top1": float(hits[:, 0].float().mean()),
        "clips_top5": float(hits.any(1).float().mean()),
    }
    return {name: round(value, 4) for name, value in figures.items()}
