"""``seac segment``: from a video to a film of what sounds in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seac.cli import options
from seac.core.errors import InputError


def segment(
    source: Annotated[
        Path, typer.Argument(help="A video, a picture (with --audio), or a folder of them.", metavar="INPUT")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path("out"),
    audio: Annotated[Path | None, typer.Option(help="A sound file to hear in place of the video's.")] = None,
    fps: Annotated[float, typer.Option(help="Frames to judge per second.")] = 1.0,
    preset: options.Preset = "tiny",
    vocabulary: Annotated[
        str | None, typer.Option(help='Names to choose from: a text file, or "dog,piano".')
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Least probability at which a mask sounds.")] = None,
    top_n: options.TopN = None,
    window: options.Window = None,
    exact: options.Exact = False,
    segmenter: options.Segmenter = None,
    vision: options.Vision = None,
    audio_encoder: options.AudioEncoder = None,
    text: options.Text = None,
    detector: options.Detector = None,
    associate: options.Associate = None,
    classifier: options.Classifier = None,
    association: options.Association = None,
    calibration: options.Calibration = None,
    weights_dir: options.WeightsDir = None,
    device: options.Device = "cpu",
    export: Annotated[str, typer.Option(help="What to write, by comma.")] = "overlay,masks,json,timeline",
    again: Annotated[
        bool, typer.Option("--again", help="In a folder, redo clips that are finished already.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Segment and name what sounds in a video: overlay.mp4, timeline.png, masks/, result.json."""
    from seac.jobs.segment import Job, segment_all
    from seac.media.decode import MIN_FPS

    options.check_counts({"--top-n": top_n})
    if not MIN_FPS <= fps <= 1000:
        raise InputError(f"--fps is {fps:g}: give a number from {MIN_FPS:g} to 1000")
    options.check_window(window)
    parts = options.given(
        segmenter=segmenter,
        detector=detector,
        vision=vision,
        audio=audio_encoder,
        text=text,
        associate=associate,
        classifier=classifier,
    )
    constants = options.given(top_n=top_n, audio_window=window, exact=exact)
    job = Job(
        source=source,
        out=out,
        audio=audio,
        fps=fps,
        preset=preset,
        device=device,
        vocabulary=vocabulary,
        threshold=threshold,
        parts=parts,
        constants=constants,
        exports=tuple(export_name.strip() for export_name in export.split(",") if export_name.strip()),
        again=again,
        association=association,
        calibration=calibration,
        weights_dir=weights_dir,
    )
    segment_all(job, as_json=as_json)
