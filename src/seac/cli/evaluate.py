"""``seac evaluate``: evaluate a model or predictions on a benchmark by every protocol of the field."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from seac.cli import options
from seac.core.errors import InputError
from seac.presets.spec import ModelSpec


@options.command(*options.SCORED)
def evaluate(
    benchmark: options.Benchmark,
    folder: options.Folder,
    model: ModelSpec,
    out: Annotated[
        Path, options.OutputOption("-o", "--out", help="Folder for report and predictions.")
    ] = Path("evaluation"),
    predictions: Annotated[
        Path | None, options.InputOption(help="Score a folder of heatmaps or masks (npz, npy, png) instead.")
    ] = None,
    split: options.Split = "test",
    limit: options.Limit = None,
    protocol: Annotated[
        str | None, options.OutputOption(help="Show a single protocol: official, dataset, fixed, median.")
    ] = None,
    threshold: Annotated[float, options.DecisionOption(help="Threshold of fixed-threshold protocols.")] = 0.5,
    baselines: Annotated[
        bool, options.RunOption("--baselines", help="Score the baselines in the same run.")
    ] = False,
    train_list: Annotated[
        Path | None,
        options.InputOption(help="Ids of the training set: the overlap is counted and reported."),
    ] = None,
    exclude: Annotated[
        list[Path] | None, options.InputOption(help="Ids to leave out; may be given several times.")
    ] = None,
    drop_overlap: Annotated[
        bool,
        options.InputOption("--drop-overlap", help="Leave out clips whose video is in --train-list."),
    ] = False,
    allow_missing: Annotated[
        bool,
        options.InputOption("--allow-missing", help="Score the clips with predictions; list the others."),
    ] = False,
    window: options.Window = None,
    seed: options.Seed = 0,
    again: options.Again = False,
) -> options.Work:
    """Score a model or predictions: report.html, report.md, per_clip.csv; resumable."""
    from seac.jobs.evaluate import EvaluateJob
    from seac.jobs.evaluate import evaluate as work

    options.check_counts({"--limit": limit})
    if not 0 <= threshold <= 1:
        raise InputError(f"--threshold is {threshold:g}: give a value from 0 to 1")
    options.check_window(window)
    if drop_overlap and train_list is None:
        raise InputError("--drop-overlap needs --train-list: the ids of the training set")
    if predictions is not None:
        refuse_with_predictions(model, baselines=baselines, window=window, again=again)
    return partial(
        work,
        EvaluateJob(
            benchmark=benchmark,
            folder=folder,
            out=out,
            model=model,
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
            again=again,
        ),
    )


def refuse_with_predictions(model: ModelSpec, **others: Any) -> None:
    """Refuse options that only apply to a model.

    Raises:
        InputError: such an option was given; the message names the first.
    """
    files = {"association_weights": model.association_weights, "calibration": model.calibration}
    by_keyword = {row.keyword: name for name, row in options.MODEL_OPTIONS.items()}
    for name, value in {**others, **files, **model.parts, **model.settings}.items():
        if value is not None and value is not False:
            option = "--" + by_keyword.get(name, name).replace("_", "-")
            raise InputError(
                f"{option} needs a model, and --predictions is scored without a model: drop one of them"
            )
