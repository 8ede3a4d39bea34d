"""Names of masks on photographs with recordings, and the constants of the two experts.

    python -m benchmarks.names --data DATA/real --media DATA/media --work W --write docs/names.md

``--work`` is the folder of ``python -m recipes.sounding``, whose encoded frames and clips of the dev side are
used. For each photograph, the mask that fits a sounding thing best is named from the default vocabulary: by
its appearance, with a recording of its own class, and with one of something that is not in the picture.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import seac
from recipes.common.model_card import table
from recipes.sounding.__main__ import load_store
from recipes.sounding.class_heads import mask_sources
from recipes.sounding.scenes import SceneSampler
from seac.classify.base import class_scores
from seac.classify.experts import ExpertsClassifier, ExpertsSettings
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
GRID = {"floor": (0.05, 0.02, 0.01), "audio_weight": (0.25, 0.5, 1.0)}


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


def best_names(named: Named, classifier: ExpertsClassifier, classes: Tensor) -> dict[str, Tensor]:
    """The likeliest name (n,) of each mask, by appearance, with own and with other audio."""
    scorers = classifier.scorers_for(classes)
    appearance = scorers.score_masks(named.masks)
    found = {"appearance": appearance.argmax(1)}
    for name, clips in (("own", named.own), ("other", named.other)):
        scores = [
            class_scores(appearance[[row]], scorers.score_audio(clip))[0] for row, clip in enumerate(clips)
        ]
        found[name] = torch.stack(scores).argmax(1)
    return found


def hits_of(named: Named, found: Tensor, vocabulary: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether each name is right: (n,) bool."""
    pairs = zip(found.tolist(), named.sources, strict=True)
    return np.array([name in right_names(source, vocabulary) for name, source in pairs])


def grid(classifier: ExpertsClassifier) -> Iterator[ExpertsSettings]:
    """All combinations of the constants."""
    for values in itertools.product(*GRID.values()):
        constants: dict[str, Any] = dict(zip(GRID, values, strict=True))
        yield replace(classifier.settings, **constants)


def report(named: Named, classifier: ExpertsClassifier, classes: Tensor, vocabulary: tuple[str, ...]) -> str:
    """The page."""
    found = best_names(named, classifier, classes)
    hits = {name: hits_of(named, each, vocabulary) for name, each in found.items()}
    groups = np.array([sound_sources()[source].group for source in named.sources])
    sources = np.array([source_names()[source] for source in named.sources])
    parts = [("all", np.ones(len(groups), bool))]
    parts += [(group, groups == group) for group in sorted(set(groups))]
    parts += [(source, sources == source) for source in sorted(set(sources))]
    rows = [
        (name, int(of.sum()), *(f"{each[of].mean():.3f}" for each in hits.values())) for name, of in parts
    ]
    wrong = Counter(
        (source_names()[source], vocabulary[name])
        for source, name, hit in zip(named.sources, found["own"].tolist(), hits["own"], strict=True)
        if not hit
    )
    constants = [
        (settings.floor, settings.audio_weight, settings.width, *figures)
        for settings in grid(classifier)
        for figures in [constants_row(named, classifier, settings, classes, vocabulary)]
    ]
    constants.sort(key=lambda row: -(float(row[3]) + float(row[4])))
    return "\n\n".join(
        [
            "# Names of masks",
            "Photographs with recordings, dev side; written by `python -m benchmarks.names`.",
            table(("masks", "count", *hits), rows),
            "## Confusions with the own audio",
            table(("source", "name", "count"), [(*pair, count) for pair, count in wrong.most_common(20)]),
            "## Constants",
            table(("floor", "audio_weight", "width", "own", "other", "appearance"), constants[:12]),
        ]
    )


def constants_row(
    named: Named,
    classifier: ExpertsClassifier,
    settings: ExpertsSettings,
    classes: Tensor,
    vocabulary: tuple[str, ...],
) -> tuple[str, str, str]:
    """Shares of right names with own audio, with other audio, and by appearance, for some constants."""
    other = ExpertsClassifier(
        classifier.class_heads, classifier.image_mapping, classifier.audio_mapping, settings
    )
    found = best_names(named, other, classes)
    own, absent, appearance = (
        hits_of(named, found[name], vocabulary).mean() for name in ("own", "other", "appearance")
    )
    return f"{own:.3f}", f"{absent:.3f}", f"{appearance:.3f}"


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with photos/ and recordings/")
    parser.add_argument("--media", type=Path, required=True, help="folder with train/ and dev/")
    parser.add_argument("--work", type=Path, required=True, help="folder of recipes.sounding")
    parser.add_argument("--write", type=Path, required=True, help="Markdown file")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = seac.load("tiny")
    classifier = model.stages.classifier
    assert isinstance(classifier, ExpertsClassifier)
    heads = classifier.class_heads.weights.networks
    store = load_store(options, "dev", model)
    sampler = SceneSampler(*store.encoded([heads["image"]], [heads["audio"]]), options.seed)
    vocabulary = model.vocabulary.names
    with torch.inference_mode():
        named = collect(sampler, model, vocabulary)
        page = report(named, classifier, model.classifier.classes, vocabulary)
    options.write.write_text(page + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
