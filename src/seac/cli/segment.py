"""``seac segment``: segment the sounding objects of a video into a folder of results."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seac.cli import options
from seac.core.errors import InputError
from seac.export.table import DEFAULT_EXPORTS, parse_names
from seac.presets.spec import ModelSpec
from seac.presets.table import list_parts

if TYPE_CHECKING:
    from seac.video.key_frames import Rate

EXPORTS = ", ".join((*list_parts("format"), *list_parts("export")))
AUTO: Literal["auto"] = "auto"
Find = Annotated[
    str | None,
    options.DecisionOption(help='Show only what is this in the image and in the audio, "a barking dog".'),
]


@options.command(*options.WHOLE)
def segment(
    source: Annotated[
        str,
        typer.Argument(
            help="A video, an image (with --audio), a folder of them, - for standard input, or an address.",
            metavar="INPUT",
        ),
    ],
    model: ModelSpec,
    out: Annotated[Path, options.OutputOption("-o", "--out", help="Folder for the results.")] = Path("out"),
    audio: Annotated[
        Path | None, options.InputOption(help="An audio file in place of the video's own audio.")
    ] = None,
    fps: Annotated[
        str, options.InputOption(help="Key frames per second on which the networks run, or auto.")
    ] = AUTO,
    export: Annotated[str, options.OutputOption(help=f"Outputs, comma-separated: {EXPORTS}.")] = ",".join(
        DEFAULT_EXPORTS
    ),
    find: Find = None,
    again: options.Again = False,
) -> options.Work:
    """Segment and classify sounding objects of a video: overlay, timeline, report, events.

    seac decide and seac export make other outputs from the same folder, without running the networks.
    """
    from seac.jobs.segment import SegmentJob, segment_all

    job = SegmentJob(source, out, model, audio, parse_fps(fps), parse_names(export), again, check_find(find))
    return partial(segment_all, job)


def check_find(phrase: str | None) -> str | None:
    """Check the phrase of ``--find`` before anything is loaded.

    Raises:
        InputError: it is empty, too long or not printable.
    """
    if phrase is not None and not phrase.strip():
        raise InputError('--find is empty: say what to find, such as "a barking dog"')
    if phrase is not None and (len(phrase) > 200 or not phrase.isprintable()):
        raise InputError(f"--find {phrase[:20]!r}...: give at most 200 printable letters")
    return phrase


def parse_fps(given: str) -> Rate:
    """Key frames per second, or ``"auto"``.

    Raises:
        InputError: it is neither, or out of range.
    """
    from seac.media.decode import MIN_FPS

    if given == AUTO:
        return AUTO
    try:
        fps = float(given)
    except ValueError:
        raise InputError(f"--fps is {given!r}: give a number, or auto") from None
    if not MIN_FPS <= fps <= 1000:
        raise InputError(f"--fps is {fps:g}: give a number from {MIN_FPS:g} to 1000, or auto")
    return fps
