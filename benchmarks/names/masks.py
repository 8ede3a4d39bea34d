"""Masks to name, and which names are right for them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recipes.sounding.class_heads import mask_sources
from recipes.sounding.scenes import SceneSampler
from seac.classify.parents import parent_names
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.labels.sound_sources import sound_sources, source_names
from seac.pipeline import SeAC

ALSO = {
    "person": ("man", "woman", "child", "baby", "singer", "choir", "crowd of people"),
    "songbird": ("sparrow",),
    "electric guitar": ("bass guitar",),
    "computer keyboard": ("keyboard",),
    "monkey": ("chimpanzee",),
    "gun": ("machine gun",),
    "xylophone": ("marimba",),
    "train": ("subway train",),
    "airplane": ("jet fighter",),
    "boat": ("motorboat", "ship"),
    "car": ("race car",),
    "clock": ("alarm clock",),
    "telephone": ("mobile phone",),
    "ball": ("basketball",),
}
"""Names of the default vocabulary that are right for a source, beside its own."""


COUNT, PER_PHOTOGRAPH = 700, 2


@dataclass(frozen=True)
class Named:
    """Masks to name.

    Attributes:
        masks: embeddings of n masks.
        own: features of a clip of its own class, for each mask.
        other: features of a clip of something absent, for each mask.
        sources: source of each mask.
    """

    masks: MaskEmbeddings
    own: tuple[AudioFeatures, ...]
    other: tuple[AudioFeatures, ...]
    sources: tuple[int, ...]

    def part(self, rows: Sequence[int]) -> Named:
        """The masks ``rows``."""
        own, other = (tuple(each[row] for row in rows) for each in (self.own, self.other))
        sources = tuple(self.sources[row] for row in rows)
        return Named(self.masks.at(torch.tensor(rows)), own, other, sources)


def right_names(source: int, vocabulary: tuple[str, ...]) -> set[int]:
    """Indices of the names that are right for a source."""
    name = source_names()[source]
    return {vocabulary.index(each) for each in (name, *ALSO.get(name, ())) if each in vocabulary}


def collect(sampler: SceneSampler, model: SeAC, vocabulary: tuple[str, ...]) -> Named:
    """The masks and clips of the benchmark."""
    rows: list[tuple[int, int, int, int, int]] = []
    seen: Counter[tuple[int, str]] = Counter()
    for name in itertools.islice(itertools.cycle(sampler.seen_classes), 10 * COUNT):
        frame, own = sampler.frame(name), sampler.clip(name)
        features, audible = sampler.frames.frames[frame], sampler.clips.audible[own]
        sources, _ = mask_sources(features)
        fitting = [
            row
            for row, source in enumerate(sources.tolist())
            if source >= 0 and audible[source] and right_names(source, vocabulary)
        ]
        if not fitting or seen[frame, name] >= PER_PHOTOGRAPH or features.iou.shape[1] == 0:
            continue
        seen[frame, name] += 1
        best = max(fitting, key=lambda row: float(features.iou[row].max()))
        other = own
        while bool(sampler.clips.audible[other][list(sampler.seen[frame])].any()):
            other = sampler.clip(sampler.classes[sampler.rng.integers(len(sampler.classes))])
        rows.append((frame, best, own, other, int(sources[best])))
        if len(rows) == COUNT:
            break
    embeddings = torch.stack(
        [torch.from_numpy(sampler.frames.frames[frame].local[mask]).float() for frame, mask, *_ in rows]
    )
    classes = model.stages.vision.class_probabilities(embeddings)  # type: ignore[attr-defined]  # of tiny
    masks = MaskEmbeddings(embeddings, embeddings, classes, classes)
    clips = sampler.clips.clips

    def audio(row: int) -> AudioFeatures:
        return AudioFeatures(clips.embeddings[[row]].float(), clips.class_probabilities[[row]].float())

    return Named(
        masks,
        tuple(audio(own) for _, _, own, _, _ in rows),
        tuple(audio(other) for _, _, _, other, _ in rows),
        tuple(source for *_, source in rows),
    )


def hits_of(named: Named, found: Tensor, vocabulary: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether each name is right: (n,) bool."""
    pairs = zip(found.tolist(), named.sources, strict=True)
    return np.array([name in right_names(source, vocabulary) for name, source in pairs])


def parent_hits(named: Named, found: Tensor, vocabulary: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether each name is the parent of its source: (n,) bool."""
    parents = [parent_names().get(vocabulary[name]) for name in found.tolist()]
    groups = [sound_sources()[source].group for source in named.sources]
    return np.array([parent == group for parent, group in zip(parents, groups, strict=True)])
