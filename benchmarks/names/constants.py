"""Tables of the constants: of the two experts, and of abstaining to a parent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import astuple, replace
from typing import Any

from torch import Tensor

from benchmarks.names.scoring import Benchmark, replaced, scores_of
from seac.classify.experts import ExpertsClassifier, ExpertsSettings
from seac.classify.parents import Abstention

TOP, SHOWN = 20, 12
"""Settings in the tables of abstention and of the experts."""
MAX_LOSS = 0.01
"""Share of exactly right names that abstention may cost."""
ABSTENTION_GRID = {
    "name": (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5),
    "group": (0.4, 0.5, 0.6, 0.7, 0.8),
    "power": (1.0, 2.0),
}
GRID = {"floor": (0.05, 0.02, 0.01), "audio_weight": (0.25, 0.5, 1.0)}


def grid(classifier: ExpertsClassifier) -> Iterator[ExpertsSettings]:
    """All combinations of the constants."""
    for values in itertools.product(*GRID.values()):
        constants: dict[str, Any] = dict(zip(GRID, values, strict=True))
        yield replace(classifier.settings, **constants)


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


def constant_rows(benchmark: Benchmark) -> list[tuple[object, ...]]:
    """Shares of right names, without abstention, with own audio, with other audio, and by appearance."""
    rows: list[tuple[float, tuple[object, ...]]] = []
    for settings in grid(benchmark.classifier):
        classifier = replaced(benchmark.classifier, settings=settings)
        scores = scores_of(benchmark.named, classifier, benchmark.classes)
        shares = [benchmark.hits(scores, name, None)[0].mean() for name in ("own", "other", "appearance")]
        constants = settings.floor, settings.audio_weight, settings.width
        rows.append((shares[0] + shares[1], (*constants, *(f"{share:.3f}" for share in shares))))
    return [row for _, row in sorted(rows, key=lambda each: -each[0])[:SHOWN]]
