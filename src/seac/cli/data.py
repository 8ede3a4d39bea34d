"""``seac data``: look at a benchmark on disk before it is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options

app = typer.Typer(no_args_is_help=True)


@app.callback()
def data() -> None:
    """Check the files of a benchmark."""


@app.command("check")
def check_files(
    benchmark: options.Benchmark,
    folder: options.Folder,
    split: options.Split = "all",
    deep: Annotated[
        bool, options.RunOption("--deep", help="Decode every image, mask and audio file.")
    ] = False,
    out: Annotated[
        Path | None, options.OutputOption("--out", help="Write everything found here, as csv.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Count clips and files by split; say what is missing, broken or odd. Exit code 2 if faults are found."""
    from seac.jobs.check_data import check_benchmark

    check_benchmark(benchmark, folder, split=split, deep=deep, out=out, as_json=as_json)
