"""``seac extract``: frozen features of training data into a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.core.errors import InputError


def extract(
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder of videos, of VGGSound, of AVSBench, of images and sounds.", metavar="DATA"
        ),
    ],
    store: Annotated[Path, typer.Argument(help="Folder for the features; an unfinished one goes on.")],
    preset: options.Preset = "tiny",
    kind: Annotated[str, typer.Option(help="auto, vggsound, s4, ms3, avss, videos or pairs.")] = "auto",
    split: Annotated[str, typer.Option(help="Split of a benchmark: train, val, test, all.")] = "train",
    seconds: Annotated[float, typer.Option(help="Length of the excerpt, from the centre of a clip.")] = 5.0,
    fps: Annotated[float, typer.Option(help="Frames per second.")] = 1.0,
    workers: Annotated[int | None, typer.Option(help="Processes, or actors on a cluster.")] = None,
    ray: Annotated[
        str | None, typer.Option(help="Work on a Ray cluster: auto, an address, or local.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N clips.")] = None,
    exclude: Annotated[
        Path | None, typer.Option(help="File of clip or video ids to leave out, one a line.")
    ] = None,
    top_n: options.TopN = None,
    exact: options.Exact = False,
    batch: Annotated[int | None, typer.Option(help="Views of masks per forward pass; more for GPUs.")] = None,
    class_probabilities: Annotated[
        bool, typer.Option(help="Keep class probabilities, for zero-shot association.")
    ] = True,
    segmenter: options.Segmenter = None,
    detector: options.Detector = None,
    vision: options.Vision = None,
    audio_encoder: options.AudioEncoder = None,
    weights_dir: options.WeightsDir = None,
    device: options.Device = "cpu",
    as_json: options.AsJson = False,
) -> None:
    """Write everything frozen that training needs into a store; run it again to go on after a break."""
    from dataclasses import replace

    from seac.jobs.extract import Job, extract_all
    from seac.presets.table import choose

    options.check_counts({"--workers": workers, "--limit": limit, "--top-n": top_n, "--batch": batch})
    if not 0 < seconds <= 600:
        raise InputError(f"--seconds is {seconds:g}: give a number above 0, at most 600")
    if not 0 < fps <= 60 or seconds * fps < 1:
        raise InputError(f"--fps is {fps:g}: give at most 60, and at least one frame in {seconds:g} s")
    views = choose(preset).views
    parts = options.given(segmenter=segmenter, detector=detector, vision=vision, audio=audio_encoder)
    constants = options.given(top_n=top_n, exact=exact, views=replace(views, batch=batch) if batch else None)
    job = Job(
        source=source,
        store=store,
        preset=preset,
        device=device,
        parts=parts,
        constants=constants,
        kind=kind,
        split=split,
        seconds=seconds,
        fps=fps,
        class_probabilities=class_probabilities,
        workers=workers,
        ray=ray,
        limit=limit,
        exclude=exclude,
        weights_dir=weights_dir,
    )
    extract_all(job, as_json=as_json)
