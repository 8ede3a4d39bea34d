"""``seac compare``: several evaluations in one table, with intervals and paired tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders from seac evaluate.", metavar="RUN...")],
    rows: Annotated[
        list[str] | None,
        options.InputOption("--row", help="Row to show; may be given several times; all by default."),
    ] = None,
    against: Annotated[
        str | None, options.RunOption(help="Row that the others are tested against; the first by default.")
    ] = None,
    resamples: Annotated[int, options.RunOption(help="Resamples of each bootstrap interval.")] = 2000,
    permutations: Annotated[int, options.RunOption(help="Permutations of each paired test.")] = 9999,
    seed: options.Seed = 0,
    form: Annotated[
        str | None,
        options.OutputOption(
            "--format", help="markdown, latex or html; by the end of FILE if not given.", metavar="FORMAT"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        options.OutputOption("-o", "--out", help="File to write; standard output.", metavar="FILE"),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare evaluations of the same clips: one table, bootstrap intervals, paired tests (Holm)."""
    from seac.jobs.compare import CompareJob, check_numbers
    from seac.jobs.compare import compare as work

    check_numbers(resamples, permutations)
    job = CompareJob(
        tuple(runs),
        out,
        form,
        tuple(rows or ()),
        against,
        resamples=resamples,
        permutations=permutations,
        seed=seed,
    )
    work(job, as_json=as_json)
