"""Implementation of ``seac compare``: one table of several evaluations."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seac.core.atomic import ensure_writable, write_atomic
from seac.core.errors import InputError, unknown
from seac.evaluation.comparison import Comparison
from seac.evaluation.comparison import compare as compare_runs
from seac.evaluation.paired import PERMUTATIONS, RESAMPLES
from seac.evaluation.report.comparison import ENDINGS, FORMATS, MARK
from seac.evaluation.run_folder import read_run
from seac.evaluation.scores_file import without_nan


@dataclass(frozen=True)
class CompareJob:
    """Options of ``seac compare``."""

    runs: tuple[Path, ...]
    out: Path | None = None
    format: str | None = None
    rows: tuple[str, ...] = ()
    against: str | None = None
    resamples: int = RESAMPLES
    permutations: int = PERMUTATIONS
    seed: int = 0


def compare(job: CompareJob, *, as_json: bool = False) -> Comparison:
    """Compare and write the tables to ``job.out``, or to standard output.

    Raises:
        InputError: an unreadable folder, unlike evaluations, an unknown format, or an unwritable file.
    """
    name = format_of(job)
    if job.out is not None:
        ensure_writable(job.out, is_comparison)
    comparison = compare_runs(
        [(folder, read_run(folder)) for folder in job.runs],
        rows=job.rows,
        against=job.against,
        resamples=job.resamples,
        permutations=job.permutations,
        seed=job.seed,
    )
    text = FORMATS[name](comparison).rstrip("\n") + "\n"
    if job.out is not None:
        write_atomic(job.out, text)
    elif not as_json:
        sys.stdout.write(text)
    if as_json:
        sys.stdout.write(json.dumps(without_nan(summary(comparison)), allow_nan=False) + "\n")
    return comparison


def format_of(job: CompareJob) -> str:
    """The format of a job: the given one, else by the end of the file's name, else Markdown.

    Raises:
        InputError: an unknown format.
    """
    if job.format is None:
        return ENDINGS.get(job.out.suffix.lower(), "markdown") if job.out else "markdown"
    if job.format not in FORMATS:
        raise InputError(unknown("format", job.format, FORMATS))
    return job.format


def is_comparison(path: Path) -> bool:
    """Whether a file is of an earlier comparison, by its first line."""
    try:
        with path.open(encoding="utf-8") as file:
            return MARK in file.readline(200)
    except (OSError, ValueError):
        return False


def summary(comparison: Comparison) -> dict[str, Any]:
    """The line of ``--json``: figures of all rows, intervals by metric and row, tests."""
    found = comparison.evaluation
    return {
        "benchmark": found.benchmark,
        "n": found.n,
        "frames": found.frames,
        "against": comparison.reference,
        "methods": {
            row.name: {name: dict(figures) for name, figures in row.protocols.items()}
            for row in found.methods
        },
        "means": {
            metric: {row: asdict(interval) for row, interval in rows.items()}
            for metric, rows in comparison.means.items()
        },
        "tests": [asdict(test) for test in comparison.differences],
    }


def check_numbers(resamples: int, permutations: int) -> None:
    """Check the numbers of draws.

    Raises:
        InputError: out of range.
    """
    for name, value in (("--resamples", resamples), ("--permutations", permutations)):
        if not 100 <= value <= 1_000_000:
            raise InputError(f"{name} is {value}: give 100 to 1000000")
