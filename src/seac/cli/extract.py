"""``seac extract``: write frozen features of training data into a store."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.core.errors import InputError
from seac.presets.spec import ModelSpec


@options.command(*options.FROZEN)
def extract(
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder of videos, of VGGSound, of AVSBench, of images and audio.", metavar="DATA"
        ),
    ],
    store: Annotated[Path, typer.Argument(help="Folder of the store; an unfinished one is resumed.")],
    model: ModelSpec,
    kind: Annotated[
        str, options.InputOption(help="auto, vggsound, s4, ms3, avss, videos or pairs.")
    ] = "auto",
    split: options.Split = "train",
    seconds: Annotated[
        float, options.InputOption(help="Length of the excerpt, from the centre of a clip.")
    ] = 5.0,
    fps: options.Fps = 1.0,
    workers: Annotated[int | None, options.RunOption(help="Processes, or actors on a cluster.")] = None,
    ray: Annotated[
        str | None, options.RunOption(help="Work on a Ray cluster: auto, an address, or local.")
    ] = None,
    limit: options.Limit = None,
    exclude: Annotated[
        Path | None, options.InputOption(help="File of clip or video ids to leave out, one per line.")
    ] = None,
    batch: Annotated[
        int | None, options.RunOption(help="Views of masks per forward pass; increase for GPUs.")
    ] = None,
    class_probabilities: Annotated[
        bool, options.OutputOption(help="Keep class probabilities, for zero-shot association.")
    ] = True,
) -> options.Work:
    """Write the frozen features for training into a store; run again to resume."""
    from dataclasses import replace

    from seac.jobs.extract import ExtractJob, extract_all

    options.check_counts({"--workers": workers, "--limit": limit, "--batch": batch})
    if not 0 < seconds <= 600:
        raise InputError(f"--seconds is {seconds:g}: give a number above 0, at most 600")
    if not 0 < fps <= 60 or seconds * fps < 1:
        raise InputError(f"--fps is {fps:g}: give at most 60, and at least one frame in {seconds:g} s")
    if batch:
        model = model.with_options(views=replace(model.resolve_settings().views, batch=batch))
    job = ExtractJob(
        source=source,
        store=store,
        model=model,
        kind=kind,
        split=split,
        seconds=seconds,
        fps=fps,
        class_probabilities=class_probabilities,
        workers=workers,
        ray=ray,
        limit=limit,
        exclude=exclude,
    )
    return partial(extract_all, job)
