"""Compare models on composite benchmarks; models with equal image encoders share encodings."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from benchmarks.composite import FOLDERS
from benchmarks.tables import format_spread, machine, table
from seac.evaluation.methods import Model
from seac.evaluation.predict import open_store, predict
from seac.evaluation.score import score
from seac.evaluation.timer import ProgressTimer
from seac.jobs.evaluate import EvaluateJob, chosen_clips, model_for, open_reader, saved_answers
from seac.pipeline import SeAC

SHOWN = {
    "s4": (("dataset", "miou"), ("dataset", "fscore")),
    "ms3": (("dataset", "miou"), ("dataset", "fscore")),
    "avss": (("dataset", "miou"), ("dataset", "fscore")),
    "vggss": (("fixed", "ciou"), ("fixed", "auc")),
    "vggss-extended": (("fixed", "ap"), ("fixed", "loc_acc")),
    "robustness": (
        ("all", "auroc"),
        ("silence", "fpr_frames"),
        ("noise -30 dB", "fpr_frames"),
        ("noise -15 dB", "fpr_frames"),
        ("another class", "fpr_frames"),
        ("another class", "auroc"),
    ),
}
Figures = dict[str, list[dict[str, float]]]
Variants = Callable[[SeAC], Mapping[str, Sequence[SeAC]]]


def compare_models(name: str, folder: Path, variants: Variants, limit: int | None) -> Figures:
    """Metrics of every model on one benchmark.

    Args:
        name: name of the benchmark.
        folder: folder of its metadata file.
        variants: function from the preset's model, with the benchmark's vocabulary, to the models by row;
            several models of a row are several trainings.
        limit: maximum number of clips; None for all.
    """
    with tempfile.TemporaryDirectory() as scratch:
        job, watch = EvaluateJob(name, folder, Path(scratch), limit=limit), ProgressTimer()
        reader = open_reader(job)
        clips, _ = chosen_clips(reader, job)
        models = variants(model_for(job, reader))
        rows = tuple(
            Model(f"{row} {number}", each)
            for row, every in models.items()
            for number, each in enumerate(every)
        )
        open_store(job.out, [row.name for row in rows], {})
        predict(reader, clips, rows, job.out, watch, job.seed)
        answers = {row.name: saved_answers(job.out, row.name) for row in rows}
        scored = score(reader, clips, answers, watch, job.threshold)
    found: Figures = {row: [] for row in models}
    for method in scored:
        kept = {
            f"{figure} ({protocol})": method.protocols[protocol][figure] for protocol, figure in SHOWN[name]
        }
        found[method.name.rpartition(" ")[0]].append(kept)
    return found


def section(name: str, found: Mapping[str, Sequence[Mapping[str, float]]], head: str) -> list[str]:
    """Markdown: a row per variant, mean and standard deviation over trainings, in percent."""
    columns = list(next(iter(found.values()))[0])
    rows = [
        [row, *(format_spread([run[column] for run in runs]) for column in columns)]
        for row, runs in found.items()
    ]
    return [f"## {name}", "", *table([head, *columns], rows), ""]


def describe_weights(versions: Mapping[str, str], without: str = "") -> str:
    """A line with the versions of the weights of all parts except one."""
    return ", ".join(f"{part}: {version}" for part, version in versions.items() if part != without)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the common options of comparisons: benchmark folder, benchmarks, limit and output."""
    parser.add_argument("--bench", type=Path, required=True, help="a rendered benchmark folder")
    parser.add_argument("--limit", type=int, default=None, help="clips of each benchmark")
    parser.add_argument("--benchmarks", default=",".join(FOLDERS))
    parser.add_argument("--write", type=Path, default=None)


def compare_all(options: argparse.Namespace, variants: Variants, head: str) -> list[str]:
    """Sections of all benchmarks, printed one by one; the last printed line is JSON of the metrics.

    Args:
        options: options of :func:`add_options`.
        variants: see :func:`compare_models`.
        head: header of the first column.
    """
    found, lines = {}, []
    for name in options.benchmarks.split(","):
        found[name] = compare_models(name, options.bench / FOLDERS[name], variants, options.limit)
        rows = section(name, found[name], head)
        print("\n".join(rows), flush=True)
        lines += rows
    print(json.dumps(found))
    return lines


def describe_command(options: argparse.Namespace, command: str) -> str:
    """The first sentence of a page: the command with its options, and the machine."""
    limit = f" --limit {options.limit}" if options.limit else ""
    return (
        f"Written by `{command} --bench B{limit} --benchmarks {options.benchmarks} --write {options.write}` "
        f"on {machine()}, torch {torch.__version__}."
    )
