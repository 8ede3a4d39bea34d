"""``seac export``: formats of annotation and editing programs from a segmented video."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.presets.spec import ModelSpec
from seac.presets.table import list_parts

Source = Annotated[
    Path | None, options.InputOption("--source", help="The video, if it is no longer where it was.")
]
FORMATS = ", ".join(list_parts("format"))


@options.command("weights_dir")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder from seac segment.", metavar="FOLDER")],
    model: ModelSpec,
    formats: Annotated[str, options.OutputOption("--format", help=f"Formats, comma-separated: {FORMATS}.")],
    out: Annotated[
        Path | None, options.OutputOption("-o", "--out", help="Folder for the formats; FOLDER itself.")
    ] = None,
    source: Source = None,
) -> options.Work:
    """Write formats of annotation and editing programs from the last decision; no network runs."""
    from seac.export.table import parse_names
    from seac.jobs.decide import ExportJob, export_folder

    job = ExportJob(folder, parse_names(formats, "--format"), out, source, model.weights_dir)
    return partial(export_folder, job)
