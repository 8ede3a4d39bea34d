"""``seac data``: check a benchmark on disk before evaluation."""

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
        Path | None, options.OutputOption("--out", help="Write all findings to this csv file.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Count clips and files by split; report missing, broken or unusual files. Exit code 2 on faults."""
    from seac.jobs.check_data import check_benchmark

    check_benchmark(benchmark, folder, split=split, deep=deep, out=out, as_json=as_json)
