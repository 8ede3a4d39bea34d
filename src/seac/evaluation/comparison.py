"""Comparison of several evaluations of one benchmark: intervals, and paired tests against one row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seac.core.errors import InputError, unknown
from seac.evaluation.clip_metrics import clip_metrics
from seac.evaluation.paired import (
    PERMUTATIONS,
    RESAMPLES,
    ClipSums,
    Interval,
    correct_holm,
    interval,
    paired_test,
)
from seac.evaluation.robustness import CORRUPTED, base_id
from seac.evaluation.summary import ClipScore, Evaluation, MethodResult

Run = tuple[Path, Evaluation]
SAME = ("split", "threshold", "metadata")
"""Settings that are the same in evaluations that can be compared."""
SAME_ROBUSTNESS = (*SAME, "seed")
"""The seed draws noise and off-screen audio."""


@dataclass(frozen=True)
class Difference:
    """A paired test of one row against the reference.

    Attributes:
        method: name of the row.
        metric: title of the metric.
        clips: clips in which both have the metric.
        difference: of the row minus the reference.
        p: of a difference of 0, two-sided, of this test alone.
        corrected: p corrected for the number of all tests of the comparison.
    """

    method: str
    metric: str
    clips: int
    difference: Interval
    p: float
    corrected: float


@dataclass(frozen=True)
class Comparison:
    """Rows of several evaluations side by side.

    Attributes:
        evaluation: benchmark, settings in common, and all rows, the reference first.
        means: intervals by metric, then by row.
        differences: tests, by metric and then by row.
    """

    evaluation: Evaluation
    means: dict[str, dict[str, Interval]]
    differences: tuple[Difference, ...]

    @property
    def reference(self) -> str:
        """Name of the row against which the others are tested."""
        return self.evaluation.methods[0].name


def compare(
    runs: Sequence[Run],
    *,
    rows: Sequence[str] = (),
    against: str | None = None,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Comparison:
    """Compare evaluations.

    Args:
        runs: folders and what was read from them.
        rows: names of the rows to show; all if empty.
        against: name of the reference; the first row if None.
        resamples: of each bootstrap interval.
        permutations: of each test.
        seed: of all draws.

    Raises:
        InputError: nothing to compare, unlike evaluations, or an unknown row; one line says what differs.
    """
    check_comparable(runs)
    methods = choose(name_methods(runs), rows, against)
    first = runs[0][1]
    ids = {name: number for number, name in enumerate(sorted({base_id(x.id) for x in methods[0].clips}))}
    means: dict[str, dict[str, Interval]] = {}
    tests: list[Difference] = []
    for metric in clip_metrics(first.benchmark, methods[0].clips):
        order = sorted(clip.id for clip in methods[0].clips)
        clips = np.array([ids[base_id(name)] for name in order], np.int64)
        columns = {method.name: metric.values(_ordered(method, order)) for method in methods}
        means[metric.title] = {
            name: interval(ClipSums.of(values, clips), resamples=resamples, seed=seed)
            for name, values in columns.items()
        }
        reference = columns[methods[0].name]
        for name, values in list(columns.items())[1:]:
            sums = ClipSums.of(values - reference, clips)
            tests.append(
                Difference(
                    name,
                    metric.title,
                    len(sums),
                    interval(sums, resamples=resamples, seed=seed),
                    paired_test(sums, permutations=permutations, seed=seed),
                    math.nan,
                )
            )
    corrected = correct_holm([test.p for test in tests])
    return Comparison(
        replace(first, methods=methods),
        means,
        tuple(replace(test, corrected=p) for test, p in zip(tests, corrected, strict=True)),
    )


def check_comparable(runs: Sequence[Run]) -> None:
    """Check that all evaluations are of the same clips under the same protocol.

    Raises:
        InputError: the message names the first two folders that differ, and how.
    """
    if not runs:
        raise InputError("no folder was given; give folders that seac evaluate wrote")
    resolved = Counter(folder.resolve() for folder, _ in runs)
    twice = next((folder for folder, _ in runs if resolved[folder.resolve()] > 1), None)
    if twice is not None:
        raise InputError(f"{twice}: was given twice; give each folder once")
    (folder, first), *others = runs
    for other, evaluation in others:
        difference = describe_difference(first, evaluation)
        if difference:
            raise InputError(f"{folder} and {other} cannot be compared: {difference}")


def describe_difference(one: Evaluation, other: Evaluation) -> str:
    """What keeps two evaluations from being compared, with what to do; empty if nothing does."""
    if one.benchmark != other.benchmark:
        return f"their benchmarks are {one.benchmark} and {other.benchmark}; evaluate both on one"
    for name in SAME_ROBUSTNESS if one.benchmark in CORRUPTED else SAME:
        values = [str(evaluation.settings.get(name)) for evaluation in (one, other)]
        if values[0] != values[1] and name == "metadata":
            return "clips, classes, boxes or file names of the benchmark differ; evaluate both on one copy"
        if values[0] != values[1]:
            return f"--{name} was {values[0]} and {values[1]}; evaluate both with the same"
    ids = [{clip.id for clip in evaluation.methods[0].clips} for evaluation in (one, other)]
    if ids[0] != ids[1]:
        lacking = [sorted(ids[1] - ids[0]), sorted(ids[0] - ids[1])]
        counts = ", the other ".join(
            f"lacks {len(names)} clips"
            + (f" ({names[0]}{', ...' if len(names) > 1 else ''})" if names else "")
            for names in lacking
        )
        return f"the first {counts}; evaluate both on the same clips (--limit, --exclude, --allow-missing)"
    return ""


def name_methods(runs: Sequence[Run]) -> tuple[MethodResult, ...]:
    """All rows in order, under names that occur once: the row's own, else with its folder."""
    found = [(folder, method) for folder, evaluation in runs for method in evaluation.methods]
    names = [method.name for _, method in found]
    for folder_name in (lambda path: path.resolve().name, lambda path: str(path.resolve())):
        count = Counter(names)
        names = [
            f"{method.name} ({folder_name(folder)})".strip() if count[name] > 1 or not name else name
            for name, (folder, method) in zip(names, found, strict=True)
        ]
    return tuple(replace(method, name=name) for name, (_, method) in zip(names, found, strict=True))


def choose(
    methods: tuple[MethodResult, ...], rows: Sequence[str], against: str | None
) -> tuple[MethodResult, ...]:
    """The chosen rows, the reference first.

    Raises:
        InputError: an unknown row, or fewer than two rows.
    """
    by_name = {method.name: method for method in methods}
    for name in (*rows, *([against] if against is not None else [])):
        if name not in by_name:
            raise InputError(unknown("row", name, by_name))
    reference = against or (rows[0] if rows else methods[0].name)
    chosen = (
        by_name[reference],
        *(m for m in methods if m.name != reference and (not rows or m.name in rows)),
    )
    if len(chosen) < 2:
        raise InputError(f"{reference} is the only row; give another folder, or another --row")
    return chosen


def _ordered(method: MethodResult, order: Sequence[str]) -> list[ClipScore]:
    by_id = {clip.id: clip for clip in method.clips}
    return [by_id[name] for name in order]
