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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
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
from seac.classify.parents import Abstention, Parents, parent_names
from seac.core.atomic import write_atomic
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.class_heads import ClassHead, ClassHeads, network_of
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
COUNT, PER_PHOTOGRAPH, TOP = 700, 2, 20
MIN_MASKS = 5
"""Masks of a source that is left out."""
MAX_LOSS = 0.01
"""Share of exactly right names that abstention may cost."""
ABSTENTION_GRID = {
    "name": (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5),
    "group": (0.4, 0.5, 0.6, 0.7, 0.8),
    "power": (1.0, 2.0),
}
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


def hits_of(named: Named, found: Tensor, vocabulary: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether each name is right: (n,) bool."""
    pairs = zip(found.tolist(), named.sources, strict=True)
    return np.array([name in right_names(source, vocabulary) for name, source in pairs])


def parent_hits(named: Named, found: Tensor, vocabulary: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether each name is the parent of its source: (n,) bool."""
    parents = [parent_names().get(vocabulary[name]) for name in found.tolist()]
    groups = [sound_sources()[source].group for source in named.sources]
    return np.array([parent == group for parent, group in zip(parents, groups, strict=True)])


def grid(classifier: ExpertsClassifier) -> Iterator[ExpertsSettings]:
    """All combinations of the constants."""
    for values in itertools.product(*GRID.values()):
        constants: dict[str, Any] = dict(zip(GRID, values, strict=True))
        yield replace(classifier.settings, **constants)


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


def report(benchmark: Benchmark) -> str:
    """The page."""
    scores = scores_of(benchmark.named, benchmark.classifier, benchmark.classes)
    return "\n\n".join(
        [
            INTRODUCTION,
            table(PART_HEADS, part_rows(benchmark, scores)),
            "## Confusions with the own audio",
            table(("source", "name", "count"), confusion_rows(benchmark, scores)),
            ABSTAINING,
            table(ABSTENTION_HEADS, abstention_rows(benchmark, scores)),
            LEFT_OUT,
            table(LEFT_OUT_HEADS, left_out_rows(benchmark, scores)),
            "## Constants",
            table(("floor", "audio_weight", "width", "own", "other", "appearance"), constant_rows(benchmark)),
        ]
    )


INTRODUCTION = """# Names of masks

Photographs with recordings, dev side; written by `python -m benchmarks.names`. Own: with a recording of the
class of the mask. Other: with a recording of something that is not in the picture. "Or parent": the name of
the group of the right class counts as well."""
ABSTAINING = f"""## Abstaining to a parent

First no abstention, then the settings of the preset, then the settings of a grid that give the right name or
parent most often, as a mean of own and other audio, and the exact name at most {MAX_LOSS:g} less often with
the own audio."""
LEFT_OUT = """## Classes left out

A class is removed from the class heads; its name is then found through text space and the classes of the
encoders."""
PART_HEADS = (
    *("masks", "count", "appearance", "own", "other"),
    *("own, or parent", "other, or parent", "parents, own"),
)


def part_rows(benchmark: Benchmark, scores: Mapping[str, Tensor]) -> list[tuple[object, ...]]:
    """Shares of right names of all masks, of each group and of each source."""
    abstention = benchmark.classifier.settings.abstention
    hits = {name: benchmark.hits(scores, name, abstention) for name in scores}
    columns = [hits[name][0] for name in ("appearance", "own", "other")]
    columns += [hits["own"][1], hits["other"][1], hits["own"][2]]
    groups = np.array([sound_sources()[source].group for source in benchmark.named.sources])
    sources = np.array([source_names()[source] for source in benchmark.named.sources])
    parts = [("all", np.ones(len(groups), bool))]
    parts += [(group, groups == group) for group in sorted(set(groups))]
    parts += [(source, sources == source) for source in sorted(set(sources))]
    return [(name, int(of.sum()), *(f"{each[of].mean():.3f}" for each in columns)) for name, of in parts]


def confusion_rows(benchmark: Benchmark, scores: Mapping[str, Tensor]) -> list[tuple[object, ...]]:
    """The most frequent wrong names, without the right parents."""
    abstention = benchmark.classifier.settings.abstention
    found = benchmark.parents.choose(scores["own"], scores["appearance"], abstention)
    _, either, _ = benchmark.hits(scores, "own", abstention)
    wrong = Counter(
        (source_names()[source], benchmark.vocabulary[name])
        for source, name, hit in zip(benchmark.named.sources, found.tolist(), either, strict=True)
        if not hit
    )
    return [(*pair, count) for pair, count in wrong.most_common(TOP)]


ABSTENTION_HEADS = (
    *("name", "group", "power", "own", "own, or parent", "other", "other, or parent"),
    *("named by class, own", "of these right", "parents right, own"),
)


def abstention_rows(benchmark: Benchmark, scores: Mapping[str, Tensor]) -> list[tuple[object, ...]]:
    """No abstention, the settings of the preset, and the best of a grid."""
    plain, _, _ = benchmark.hits(scores, "own", None)
    ranked = []
    for values in itertools.product(*ABSTENTION_GRID.values()):
        abstention = Abstention(**dict(zip(ABSTENTION_GRID, values, strict=True)))
        exact, own, _ = benchmark.hits(scores, "own", abstention)
        _, other, _ = benchmark.hits(scores, "other", abstention)
        if exact.mean() >= plain.mean() - MAX_LOSS:
            ranked.append((own.mean() + other.mean(), abstention))
    ranked.sort(key=lambda each: -each[0])
    chosen = [None, benchmark.classifier.settings.abstention, *(each for _, each in ranked[:TOP])]
    return [abstention_row(benchmark, scores, each) for each in chosen]


def abstention_row(
    benchmark: Benchmark, scores: Mapping[str, Tensor], abstention: Abstention | None
) -> tuple[object, ...]:
    """A row of :data:`ABSTENTION_HEADS`."""
    exact, either, parents = benchmark.hits(scores, "own", abstention)
    other_exact, other_either, _ = benchmark.hits(scores, "other", abstention)
    right_parents = f"{either[parents].mean():.3f}" if parents.any() else "-"
    constants = ("-", "-", "-") if abstention is None else astuple(abstention)
    return (
        *constants,
        *(f"{each.mean():.3f}" for each in (exact, either, other_exact, other_either)),
        *(f"{1 - parents.mean():.3f}", f"{exact[~parents].mean():.3f}", right_parents),
    )


LEFT_OUT_HEADS = (
    "source",
    "masks",
    "appearance",
    "left out",
    "own",
    "left out, own",
    "left out, own or parent",
)


def left_out_rows(benchmark: Benchmark, scores: Mapping[str, Tensor]) -> list[tuple[object, ...]]:
    """Shares of right names of the masks of each source, with and without the source in the class heads."""
    sources = torch.tensor(benchmark.named.sources)
    abstention = benchmark.classifier.settings.abstention
    counts = Counter(benchmark.named.sources)
    found: list[tuple[int, NDArray[np.float64]]] = []
    names: list[str] = []
    for source in sorted(counts, key=lambda each: source_names()[each]):
        if counts[source] < MIN_MASKS:
            continue
        rows = (sources == source).nonzero()[:, 0].tolist()
        part = replace(benchmark, named=benchmark.named.part(rows))
        known = {name: each[rows] for name, each in scores.items()}
        heads = without(benchmark.classifier.class_heads, source_names()[source])
        left_out = scores_of(part.named, replaced(benchmark.classifier, class_heads=heads), part.classes)
        values = [
            part.hits(known, "appearance", abstention)[0].mean(),
            part.hits(left_out, "appearance", abstention)[0].mean(),
            part.hits(known, "own", abstention)[0].mean(),
            *(each.mean() for each in part.hits(left_out, "own", abstention)[:2]),
        ]
        found.append((counts[source], np.array(values)))
        names.append(source_names()[source])
    weights = [count for count, _ in found]
    mean = np.average([values for _, values in found], axis=0, weights=weights)
    rows_by_name = [("all", sum(weights), mean)]
    rows_by_name += [(name, count, values) for name, (count, values) in zip(names, found, strict=True)]
    return [(name, count, *(f"{value:.3f}" for value in values)) for name, count, values in rows_by_name]


def without(class_heads: ClassHeads, name: str) -> ClassHeads:
    """Class heads that do not know a class."""
    weights = class_heads.weights
    kept = [row for row, each in enumerate(weights.names) if each != name]
    networks = {modality: head_without(network, kept) for modality, network in weights.networks.items()}
    names = tuple(weights.names[row] for row in kept)
    return ClassHeads(replace(weights, networks=networks, names=names), class_heads.vectors[kept])


def head_without(network: ClassHead, kept: list[int]) -> ClassHead:
    """A head with the classes ``kept`` only, and "none" where it has that."""
    state = dict(network.state_dict())
    outputs = [*kept, *([network.classify.out_features - 1] if network.exclusive else [])]
    state["membership"] = state["membership"][:, kept]
    for part in ("weight", "bias"):
        state[f"classify.{part}"] = state[f"classify.{part}"][outputs]
    return network_of(state, exclusive=network.exclusive)


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


def constant_rows(benchmark: Benchmark) -> list[tuple[object, ...]]:
    """Shares of right names, without abstention, with own audio, with other audio, and by appearance."""
    rows: list[tuple[float, tuple[object, ...]]] = []
    for settings in grid(benchmark.classifier):
        classifier = replaced(benchmark.classifier, settings=settings)
        scores = scores_of(benchmark.named, classifier, benchmark.classes)
        shares = [benchmark.hits(scores, name, None)[0].mean() for name in ("own", "other", "appearance")]
        constants = settings.floor, settings.audio_weight, settings.width
        rows.append((shares[0] + shares[1], (*constants, *(f"{share:.3f}" for share in shares))))
    return [row for _, row in sorted(rows, key=lambda each: -each[0])[:12]]


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
    store = load_store(options, "dev", model, ("photographs",))
    sampler = SceneSampler(*store.encoded([heads["image"]], [heads["audio"]]), options.seed)
    vocabulary = model.vocabulary.names
    with torch.inference_mode():
        named = collect(sampler, model, vocabulary)
        page = report(Benchmark(named, classifier, model.classifier.classes, vocabulary))
    write_atomic(options.write, page + "\n")


if __name__ == "__main__":
    main()
