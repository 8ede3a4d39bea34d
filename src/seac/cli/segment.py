"""``seac segment``: segment the sounding objects of a video into a folder of results."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.core.errors import InputError
from seac.presets.spec import ModelSpec
from seac.presets.table import list_parts

EXPORTS = ", ".join(list_parts("export"))


@options.command(*options.WHOLE)
def segment(
    source: Annotated[
        Path,
        typer.Argument(help="A video, an image (with --audio), or a folder of them.", metavar="INPUT"),
    ],
    model: ModelSpec,
    out: Annotated[Path, options.OutputOption("-o", "--out", help="Folder for the results.")] = Path("out"),
    audio: Annotated[
        Path | None, options.InputOption(help="An audio file in place of the video's own audio.")
    ] = None,
    fps: options.Fps = 1.0,
    export: Annotated[
        str, options.OutputOption(help=f"Outputs, comma-separated: {EXPORTS}.")
    ] = "overlay,masks,json,timeline",
    again: options.Again = False,
) -> options.Work:
    """Segment and classify sounding objects of a video: overlay.mp4, timeline.png, masks/, result.json."""
    from seac.jobs.segment import SegmentJob, segment_all
    from seac.media.decode import MIN_FPS

    if not MIN_FPS <= fps <= 1000:
        raise InputError(f"--fps is {fps:g}: give a number from {MIN_FPS:g} to 1000")
    exports = tuple(name.strip() for name in export.split(",") if name.strip())
    return partial(segment_all, SegmentJob(source, out, model, audio, fps, exports, again))
