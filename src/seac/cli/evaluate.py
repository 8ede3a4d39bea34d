"""``seac evaluate``: a model, or anybody's predictions, on a benchmark, by every protocol of the field."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from seac.cli import options
from seac.core.errors import InputError


def evaluate(
    benchmark: Annotated[
        str,
        typer.Argument(help="s4, ms3, avss, vggss, vggss-extended, flickr-soundnet or robustness."),
    ],
    folder: Annotated[Path, typer.Argument(help="The folder of its metadata file.", metavar="DIR")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for report and predictions.")] = Path(
        "evaluation"
    ),
    preset: options.Preset = "tiny",
    predictions: Annotated[
        Path | None, typer.Option(help="Score a folder of heatmaps or masks (npz, npy, png) instead.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which split of the benchmark.")] = "test",
    limit: Annotated[int | None, typer.Option(help="The first N clips only.", metavar="N")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Show one protocol only: official, dataset, fixed, median.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Of the protocols that fix one.")] = 0.5,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Score the baselines in the same run.")
    ] = False,
    train_list: Annotated[
        Path | None, typer.Option(help="Ids that were trained on: their overlap is counted and reported.")
    ] = None,
    exclude: Annotated[
        list[Path] | None, typer.Option(help="Ids to leave out; may be given several times.")
    ] = None,
    drop_overlap: Annotated[
        bool, typer.Option("--drop-overlap", help="Leave out clips whose video is in --train-list.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Score what has a prediction; the rest is listed.")
    ] = False,
    window: options.Window = None,
    top_n: options.TopN = None,
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
    seed: Annotated[int, typer.Option(help="Of baselines that draw and of robustness noise.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Throw saved predictions away first.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Score a model or predictions: report.html, report.md, per_clip.csv; goes on where it was."""
    from seac.jobs.evaluate import Job
    from seac.jobs.evaluate import evaluate as work

    options.check_counts({"--limit": limit, "--top-n": top_n})
    if not 0 <= threshold <= 1:
        raise InputError(f"--threshold is {threshold:g}: give a value from 0 to 1")
    options.check_window(window)
    if drop_overlap and train_list is None:
        raise InputError("--drop-overlap needs --train-list: the ids that were trained on")
    parts = options.given(
        segmenter=segmenter,
        detector=detector,
        vision=vision,
        audio=audio_encoder,
        text=text,
        associate=associate,
        classifier=classifier,
    )
    constants = options.given(top_n=top_n, exact=exact)
    if predictions is not None:
        others = options.given(
            baselines=baselines, window=window, association=association, calibration=calibration, again=again
        )
        refuse_with_predictions({**others, **parts, **constants})
    work(
        Job(
            benchmark=benchmark,
            folder=folder,
            out=out,
            preset=preset,
            predictions=predictions,
            split=split,
            limit=limit,
            protocol=protocol,
            threshold=threshold,
            baselines=baselines,
            train_list=train_list,
            exclude=tuple(exclude or ()),
            drop_overlap=drop_overlap,
            allow_missing=allow_missing,
            window=window,
            seed=seed,
            device=device,
            association=association,
            calibration=calibration,
            weights_dir=weights_dir,
            parts=parts,
            constants=constants,
            again=again,
        ),
        as_json=as_json,
    )


def refuse_with_predictions(given: Mapping[str, Any]) -> None:
    """Refuse what only a model would heed.

    Raises:
        InputError: something of it was given; the line names the first.
    """
    name = next(iter(given), None)
    if name is not None:
        option = "--audio-encoder" if name == "audio" else f"--{name.replace('_', '-')}"
        raise InputError(
            f"{option} needs a model, and --predictions scores answers without one: drop one of them"
        )
