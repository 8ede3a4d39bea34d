"""The page docs/names.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from benchmarks.names.constants import ABSTENTION_HEADS, MAX_LOSS, abstention_rows, constant_rows
from benchmarks.names.left_out import LEFT_OUT_HEADS, left_out_rows
from benchmarks.names.scoring import Benchmark, scores_of
from recipes.common.model_card import table
from seac.encoders.labels.sound_sources import sound_sources, source_names

TOP = 20
"""Confusions in the table."""


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
class of the mask. Other: with a recording of something absent. "Or parent": the name of the group of the
right class counts as well."""


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
