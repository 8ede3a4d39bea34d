"""Models side by side on one composite benchmark: frames are seen once for all that share their eyes."""

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
    """What every model reaches on one benchmark.

    Args:
        name: of the benchmark.
        folder: of its metadata file.
        variants: from the preset's model, with the benchmark's vocabulary, to the models by row; several in a
            row are several trainings of the same.
        limit: clips; None for all.
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
    """Markdown: a line per row, mean and standard deviation over trainings, in percent."""
    columns = list(next(iter(found.values()))[0])
    rows = [
        [row, *(format_spread([run[column] for run in runs]) for column in columns)]
        for row, runs in found.items()
    ]
    return [f"## {name}", "", *table([head, *columns], rows), ""]


def describe_weights(versions: Mapping[str, str], without: str = "") -> str:
    """A line that names the weights of all parts but one."""
    return ", ".join(f"{part}: {version}" for part, version in versions.items() if part != without)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every comparison is asked: where the benchmarks are, which, how much of them, where to write."""
    parser.add_argument("--bench", type=Path, required=True, help="a rendered benchmark folder")
    parser.add_argument("--limit", type=int, default=None, help="clips of each benchmark")
    parser.add_argument("--benchmarks", default=",".join(FOLDERS))
    parser.add_argument("--write", type=Path, default=None)


def compare_all(options: argparse.Namespace, variants: Variants, head: str) -> list[str]:
    """Every benchmark's section, printed as it is known; the last line printed is the figures as JSON.

    Args:
        options: of :func:`add_options`.
        variants: see :func:`compare_models`.
        head: over the first column.
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
    """The first sentence of a page: the command with its options, and where it ran."""
    limit = f" --limit {options.limit}" if options.limit else ""
    return (
        f"Written by `{command} --bench B{limit} --benchmarks {options.benchmarks} --write {options.write}` "
        f"on {machine()}, torch {torch.__version__}."
    )
