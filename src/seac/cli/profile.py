"""``seac profile``: speed by stage against a reference implementation, same weights, same run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from seac.cli import options
from seac.core.errors import InputError, unknown
from seac.presets.spec import ModelSpec


@options.command("preset", "segmenter", "vision", "weights_dir")
def profile(
    model: ModelSpec,
    random_weights: Annotated[
        bool,
        options.ModelParameter(
            "--random-weights", help="For paper: random weights of the published sizes; nothing is fetched."
        ),
    ] = False,
    masks: Annotated[int, options.InputOption(help="Number of masks in the frame.")] = 50,
    size: Annotated[str, options.InputOption(help="Size of the frame, as WIDTHxHEIGHT.")] = "1024x768",
    repeats: Annotated[int, options.RunOption(help="Rounds.")] = 5,
    threads: Annotated[int, options.RunOption(help="Number of threads; 0 for all cores.")] = 0,
    clock: Annotated[
        str, options.RunOption(help="wall (elapsed time) or cpu (CPU time, independent of other load).")
    ] = "wall",
    docs_page: Annotated[
        Path | None, options.OutputOption("-o", "--card", help="Write a docs page to this file.")
    ] = None,
) -> options.Work:
    """Speed by stage against a reference implementation (PIL crops in a loop, one forward pass each)."""
    from seac.jobs.profile import ProfileJob
    from seac.jobs.profile import profile as work

    width, height = parse_size(size)
    if masks < 2 or repeats < 1:
        raise InputError(f"--masks {masks} --repeats {repeats}: give at least 2 masks and 1 round")
    if clock not in ("wall", "cpu"):
        raise InputError(unknown("clock", clock, ("wall", "cpu")))
    if not 0 <= threads <= 1024:
        raise InputError(f"--threads is {threads}: give 0 for all cores, or a number from 1 to 1024")
    job = ProfileJob(
        model=model,
        random_weights=random_weights,
        masks=masks,
        width=width,
        height=height,
        repeats=repeats,
        threads=threads,
        clock="cpu" if clock == "cpu" else "wall",
        docs_page=docs_page,
    )
    return partial(work, job)


def parse_size(size: str) -> tuple[int, int]:
    """Parse a size such as ``1024x768``.

    Raises:
        InputError: the size is malformed or out of range.
    """
    sides = size.lower().split("x")
    if len(sides) != 2 or not all(side.isdigit() and 16 <= int(side) <= 8192 for side in sides):
        raise InputError(f"--size {size!r}: give WIDTHxHEIGHT in pixels from 16 to 8192, such as 1024x768")
    return int(sides[0]), int(sides[1])
