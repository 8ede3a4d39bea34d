"""Implementation of ``seac evaluate``: metrics of methods on a benchmark, and their report."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from seac._version import __version__
from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError
from seac.core.ownership import check_names, ensure_writable_folder
from seac.datasets.clip import Clip, Reader
from seac.datasets.table import check_scored, open_benchmark
from seac.decision.base import ObjectnessSum
from seac.evaluation.answer import ClipAnswer, load, path_of
from seac.evaluation.audio_window import check_timed, with_audio_window
from seac.evaluation.external import ExternalPredictions
from seac.evaluation.fingerprint import fingerprint
from seac.evaluation.leakage import overlap, read_ids, unnamed, without
from seac.evaluation.methods import Method, Model, baselines
from seac.evaluation.predict import check_store, clear_store, folder_of, open_store, predict
from seac.evaluation.report import FILES, find_legacy_files, write_report
from seac.evaluation.robustness import CORRUPTED, Corrupted, base_benchmark, base_of
from seac.evaluation.score import check_protocol, score, scorer_for
from seac.evaluation.scores_file import summary
from seac.evaluation.summary import Evaluation, Leakage, MethodResult
from seac.evaluation.timer import ProgressTimer
from seac.jobs.download import download_bar
from seac.jobs.model import model_record
from seac.jobs.progress import print_line, progress_bar
from seac.pipeline import SeAC
from seac.presets.load import load as load_model
from seac.presets.spec import ModelSpec

STORE = "predictions"
"""Subfolder of predictions in the folder of a report."""
DECIDED = "decided"
"""Suffix of the row of a model's decision: only masks predicted as sounding are active."""


@dataclass(frozen=True)
class EvaluateJob:
    """Options of ``seac evaluate``."""

    benchmark: str
    folder: Path
    out: Path
    model: ModelSpec = ModelSpec()
    predictions: Path | None = None
    split: str = "test"
    limit: int | None = None
    protocol: str | None = None
    copies: tuple[str, ...] = ()
    threshold: float = 0.5
    baselines: bool = False
    train_list: Path | None = None
    exclude: tuple[Path, ...] = ()
    drop_overlap: bool = False
    allow_missing: bool = False
    window: float | None = None
    seed: int = 0
    again: bool = False


def evaluate(job: EvaluateJob, *, as_json: bool = False) -> Evaluation:
    """Evaluate and write the report into ``job.out``.

    Raises:
        InputError: wrong input; the message is one line.
    """
    console = Console(stderr=True)
    timer = ProgressTimer(progress_bar(console))
    reader = open_reader(job)
    check_protocol(job.protocol, reader, job.copies)
    check_timed(reader, job.window)
    clips, leakage = chosen_clips(reader, job)
    check_out(job)
    missing: tuple[str, ...] = ()
    if job.predictions is not None:
        (scored, answer_of), missing = score_external(job, reader, clips)
        rows = score(reader, scored, {job.predictions.name: answer_of}, timer, job.threshold, job.copies)
        settings: dict[str, Any] = {"predictions": job.predictions.name}
    else:
        scored = clips
        rows, answer_of, settings = score_model(job, reader, clips, timer)
    evaluation = Evaluation(
        benchmark=job.benchmark,
        n=len({base_of(clip) for clip in scored}) if job.benchmark in CORRUPTED else len(scored),
        frames=sum(len(clip.frames) for clip in scored),
        methods=rows,
        settings=settings | common_settings(job) | {"metadata": fingerprint(reader)["metadata"]},
        note=scorer_for(reader, job.threshold, job.copies).note,
        missing=missing,
        leakage=leakage,
        seconds={step: round(seconds, 3) for step, seconds in timer.seconds.items()},
    )
    write_report(evaluation, reader, answer_of, job.out, job.protocol)
    print_summary(console, evaluation, job)
    if as_json:
        sys.stdout.write(json.dumps(summary(evaluation, job.protocol)) + "\n")
    return evaluation


def open_reader(job: EvaluateJob) -> Reader:
    """Open the benchmark of a job.

    Raises:
        InputError: unknown benchmark, folder or split, or no ground truth.
    """
    check_scored(job.benchmark, *CORRUPTED, "swap")
    if job.benchmark in CORRUPTED:
        base = open_benchmark(base_benchmark(job.benchmark, job.folder), job.folder, job.split)
        return CORRUPTED[job.benchmark](base, job.limit, job.seed, job.window)
    return open_benchmark(job.benchmark, job.folder, job.split)


def check_out(job: EvaluateJob) -> None:
    """Check the output folder before the work starts.

    Raises:
        InputError: the folder cannot be made or written, or has other files with names of the report.
    """
    check_names(job.out, FILES, (job.predictions, job.train_list, *job.exclude), find_legacy_files)
    if job.predictions is None:
        check_store(job.out / STORE)
    ensure_writable_folder(job.out)


def chosen_clips(reader: Reader, job: EvaluateJob) -> tuple[tuple[Clip, ...], Leakage | None]:
    """Select the clips to score: drop excluded clips, keep the first ``limit``, find overlap with training.

    Raises:
        InputError: no clips are left.
    """
    if job.benchmark in CORRUPTED:
        clips = reader.clips  # limit and window were applied before the frame was selected
    else:
        clips = tuple(with_audio_window(clip, job.window).annotated() for clip in reader.clips)
    for path in job.exclude:
        clips = unnamed(clips, read_ids(path))
    if job.limit is not None and job.benchmark not in CORRUPTED:
        clips = clips[: job.limit]
    leakage = None
    if job.train_list is not None:
        leakage = overlap(clips, read_ids(job.train_list, "train"))
        if job.drop_overlap:
            clips = without(clips, leakage.by_video)
            leakage = replace(leakage, dropped=len(leakage.by_video))
    if not clips:
        raise InputError(f"{job.folder}: no clips are left to score; check --split, --exclude and --limit")
    return clips, leakage


def score_model(
    job: EvaluateJob, reader: Reader, clips: tuple[Clip, ...], timer: ProgressTimer
) -> tuple[tuple[MethodResult, ...], Callable[[Clip], ClipAnswer], dict[str, Any]]:
    """Predict with a model (and the baselines), using cached predictions, then score.

    Returns:
        the rows, the predictions of the first row, and the settings.

    Raises:
        InputError: wrong parts, predictions of other settings, or an unwritable folder.
    """
    store = job.out / STORE
    if store.is_dir():
        ensure_writable_folder(store)
    with timer.time("loading"):
        model = model_for(job, reader)
        methods = rows_of(job, reader, model)
    settings = {
        **model_record(job.model, model),
        "window": job.window if job.window is not None else "whole clip",
    }
    if job.again:
        clear_store(store)
    store.mkdir(parents=True, exist_ok=True)
    names = [method.name for method in methods]
    asked = {"benchmark": job.benchmark, "split": job.split, "seed": job.seed}
    open_store(store, names, settings | asked | fingerprint(reader))
    predict(reader, clips, methods, store, timer, job.seed)
    answers = {name: saved_answers(store, name) for name in names}
    rows = score(reader, clips, answers, timer, job.threshold, job.copies)
    return rows, answers[names[0]], settings


def saved_answers(store: Path, method: str) -> Callable[[Clip], ClipAnswer]:
    """Reads the predictions of a method from its folder."""
    folder = folder_of(store, method)
    return lambda clip: load(path_of(folder, clip.id))


def score_external(
    job: EvaluateJob, reader: Reader, clips: tuple[Clip, ...]
) -> tuple[tuple[tuple[Clip, ...], Callable[[Clip], ClipAnswer]], tuple[str, ...]]:
    """Clips with an external prediction, the reader of predictions, and the ids of clips without one.

    Raises:
        InputError: missing predictions without ``--allow-missing``, or no predictions.
    """
    assert job.predictions is not None
    source = ExternalPredictions(job.predictions, reader)
    there = tuple(clip for clip in clips if source.has(clip))
    ids = {clip.id for clip in there}
    missing = tuple(clip.id for clip in clips if clip.id not in ids)
    if not there:
        raise InputError(
            f"{job.predictions}: no prediction for any of {len(clips)} clips; the first clip needs "
            f"{clips[0].id}.npz, .npy, .png or a folder of that name"
        )
    if missing and not job.allow_missing:
        some = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise InputError(
            f"{job.predictions}: {len(missing)} of {len(clips)} clips have no prediction ({some}); "
            "add them, or score the rest with --allow-missing"
        )
    return (there, source.read), missing


def model_for(job: EvaluateJob, reader: Reader) -> SeAC:
    """Load the model of a job, with the benchmark's classes as the vocabulary, if it has classes."""
    return load_model(spec_for(job, reader), progress=download_bar)


def spec_for(job: EvaluateJob, reader: Reader) -> ModelSpec:
    """The spec of a job, with the benchmark's classes, if it has classes."""
    return replace(job.model, vocabulary=tuple(reader.classes[1:]) or job.model.vocabulary)


def zero_shot_for(job: EvaluateJob, reader: Reader) -> SeAC:
    """The model with the zero-shot association, and without a trained sounding head."""
    spec = spec_for(job, reader).with_options(
        association_method="zero-shot", association_weights=None, sounding_head="objectness", calibration=None
    )
    return load_model(spec, progress=download_bar)


def rows_of(job: EvaluateJob, reader: Reader, model: SeAC) -> tuple[Method, ...]:
    """Methods to score: the model, its decision, and the baselines if requested.

    For robustness, the row of the decision comes first.
    """
    spec = job.model
    swapped = [*spec.parts.values(), *([spec.association_weights.name] if spec.association_weights else [])]
    name = spec.preset if not swapped else f"{spec.preset} ({', '.join(swapped)})"
    rows: tuple[Method, ...] = (Model(name, model), Model(f"{name}, {DECIDED}", model, decides=True))
    if isinstance(reader, Corrupted):
        rows = rows[::-1]
    if not job.baselines:
        return rows
    zero_shot = None
    if model.stages.audio.labels and not is_zero_shot(model):
        zero_shot = sharing(model, zero_shot_for(job, reader))
    return rows + baselines(model, zero_shot)


def is_zero_shot(model: SeAC) -> bool:
    """Whether neither association nor sounding head are trained."""
    stages = model.stages
    return isinstance(stages.association, ZeroShot) and isinstance(stages.sounding_head, ObjectnessSum)


def sharing(model: SeAC, other: SeAC) -> SeAC:
    """``other``'s association and decision, with all other stages of ``model``: both share encodings."""
    decision = {name: getattr(other.stages, name) for name in ("association", "sounding_head", "calibration")}
    return SeAC(replace(model.stages, **decision), model.vocabulary, other.settings)


def common_settings(job: EvaluateJob) -> dict[str, Any]:
    """Settings of the evaluation for the report, beside those of the model."""
    return {
        "folder": job.folder.name,
        "split": job.split,
        "limit": job.limit,
        "threshold": job.threshold,
        "seed": job.seed,
        "exclude": [path.name for path in job.exclude],
        "train_list": job.train_list.name if job.train_list else None,
        "seac": __version__,
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, {job.model.device}",
    }


def print_summary(console: Console, evaluation: Evaluation, job: EvaluateJob) -> None:
    """Print a short summary."""
    for row in evaluation.methods:
        figures = "; ".join(
            f"{protocol}: " + ", ".join(f"{name} {100 * value:.2f}" for name, value in scores.items())
            for protocol, scores in row.protocols.items()
            if job.protocol in (None, protocol)
        )
        print_line(console, f"{row.name}: {figures}")
    if evaluation.missing:
        print_line(console, f"{len(evaluation.missing)} clips without prediction were left out")
    print_line(console, f"{evaluation.n} clips, report: {job.out / 'report.html'}")
