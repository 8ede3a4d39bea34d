"""``seac evaluate``: evaluate a model or predictions on a benchmark by every protocol of the field.

``seac evaluate swap`` needs no benchmark: it compares a folder of videos under own and other audio.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from seac.cli import options
from seac.core.errors import InputError
from seac.presets.spec import ModelSpec

SWAP = "swap"
"""Name in place of a benchmark: a comparison without labels."""


@options.command(*options.SCORED)
def evaluate(
    benchmark: Annotated[str, typer.Argument(help=f"{options.BENCHMARKS}, or swap.")],
    folder: Annotated[
        Path, typer.Argument(help="Folder of the metadata file; for swap, of videos.", metavar="DIR")
    ],
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
    threshold: Annotated[
        float | None,
        options.DecisionOption(
            help="Threshold of fixed-threshold protocols, .5 by default; for swap, minimum probability of a "
            "sounding mask."
        ),
    ] = None,
    copies: Annotated[
        list[str] | None,
        options.DecisionOption(
            "--as",
            help="For s4 and ms3: also score as a deviating copy of the protocol does: tavis, al-ref-sam2, "
            "acl or all; may be given several times.",
        ),
    ] = None,
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
    fps: Annotated[
        float | None, options.InputOption(help="For swap: frames per second, 1 by default.")
    ] = None,
    others: Annotated[
        int | None,
        options.RunOption(help="For swap: other clips whose audio every clip gets, 1 by default."),
    ] = None,
    seed: options.Seed = 0,
    again: options.Again = False,
) -> options.Work:
    """Score a model or predictions: report.html, report.md, per_clip.csv; resumable.

    swap needs no labels: it reports how much of what is active depends on the audio of the videos.
    """
    from seac.jobs.evaluate import EvaluateJob
    from seac.jobs.evaluate import evaluate as work

    options.check_counts({"--limit": limit, "--others": others})
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"--threshold is {threshold:g}: give a value from 0 to 1")
    options.check_window(window)
    if benchmark == SWAP:
        refuse(
            "needs a benchmark with labels, and swap has none",
            predictions=predictions, split=split if split != "test" else None, protocol=protocol,
            baselines=baselines, train_list=train_list, exclude=exclude, drop_overlap=drop_overlap,
            allow_missing=allow_missing, again=again, **{"as": copies},
        )  # fmt: skip
        return swap_work(folder, out, model, others, fps, limit, seed, threshold, window)
    refuse(f"belongs to swap, and the benchmark is {benchmark}", fps=fps, others=others)
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
            copies=tuple(copies or ()),
            threshold=0.5 if threshold is None else threshold,
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


def swap_work(
    folder: Path,
    out: Path,
    model: ModelSpec,
    others: int | None,
    fps: float | None,
    limit: int | None,
    seed: int,
    threshold: float | None,
    window: float | None,
) -> options.Work:
    """The work of ``seac evaluate swap``; None keeps a default.

    Raises:
        InputError: a frame rate that is too low, or a wrong option of the model.
    """
    from seac.jobs.swap import SwapJob, swap
    from seac.media.decode import check_fps

    if fps is not None:
        check_fps(fps)
    changed = {"threshold": threshold, "audio_window": window}
    model = model.with_options(**{name: value for name, value in changed.items() if value is not None})
    return partial(
        swap,
        SwapJob(
            folder,
            out,
            model,
            others=1 if others is None else others,
            fps=1.0 if fps is None else fps,
            limit=limit,
            seed=seed,
        ),
    )


def refuse(reason: str, **values: Any) -> None:
    """Refuse options that do not apply; an option that is None, False or empty was not given.

    Raises:
        InputError: such an option was given; the message names the first, and the reason.
    """
    for name, value in values.items():
        if value is not None and value is not False and value != []:
            raise InputError(f"--{name.replace('_', '-')} {reason}: leave it out")


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
