"""Models side by side on one composite benchmark: frames are seen once for all that share their eyes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.cards import table
from seac.evaluation.methods import Model
from seac.evaluation.predict import open_store, predict
from seac.evaluation.run import Job, chosen_clips, model_for, open_reader, saved
from seac.evaluation.score import score
from seac.evaluation.watch import Watch
from seac.pipeline import SeAC

SHOWN = {
    "s4": (("dataset", "miou"), ("dataset", "fscore")),
    "ms3": (("dataset", "miou"), ("dataset", "fscore")),
    "avss": (("dataset", "miou"), ("dataset", "fscore")),
    "vggss": (("fixed", "ciou"), ("fixed", "auc")),
    "vggss-extended": (("fixed", "ap"), ("fixed", "loc_acc")),
    "robustness": (("all", "auroc"), ("another class", "auroc")),
}
Figures = dict[str, list[dict[str, float]]]


def compared(
    name: str, folder: Path, variants: Callable[[SeAC], Mapping[str, Sequence[SeAC]]], limit: int | None
) -> Figures:
    """What every model reaches on one benchmark.

    Args:
        name: of the benchmark.
        folder: of its metadata file.
        variants: from the preset's model, with the benchmark's vocabulary, to the models by row; several in a
            row are several trainings of the same.
        limit: clips; None for all.
    """
    with tempfile.TemporaryDirectory() as scratch:
        job, watch = Job(name, folder, Path(scratch), limit=limit), Watch()
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
        answers = {row.name: saved(job.out, row.name) for row in rows}
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
        [row, *(spread_of([run[column] for run in runs]) for column in columns)]
        for row, runs in found.items()
    ]
    return [f"## {name}", "", *table([head, *columns], rows), ""]


def spread_of(shares: Sequence[float]) -> str:
    """Mean in percent, with the standard deviation where there are several."""
    values = 100 * np.array(shares)
    spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}"


def made_with(versions: Mapping[str, str], without: str = "") -> str:
    """A line that names the weights of all parts but one."""
    return ", ".join(f"{part}: {version}" for part, version in versions.items() if part != without)


def publish(lines: Sequence[str], path: Path | None) -> None:
    """Write a page, whole or not at all, if a path is given."""
    if path is None:
        return
    draft = path.with_suffix(".part")
    draft.write_text("\n".join(lines), encoding="utf-8")
    draft.replace(path)
