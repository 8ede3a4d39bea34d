"""Implementation of ``seac evaluate swap``: what is active under own audio, other audio and silence."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from seac.core.atomic import write_atomic
from seac.core.errors import InputError
from seac.core.ownership import check_names, claim, ensure_writable_folder
from seac.evaluation.swap import compare, draw_partners
from seac.jobs.download import download_bar
from seac.jobs.model import model_record
from seac.jobs.progress import print_line, progress_bar
from seac.media.sources import Source, audio_file, list_sources, resolve_source
from seac.metrics.swap import Swap
from seac.presets.load import load as load_model
from seac.presets.spec import ModelSpec

OTHER, SILENCE = CONDITIONS = ("another clip", "silence")
"""What replaces the own audio."""
FILES = ("swap.json", "swap.csv")


@dataclass(frozen=True)
class SwapJob:
    """Options of ``seac evaluate swap``."""

    folder: Path
    out: Path
    model: ModelSpec = ModelSpec()
    others: int = 1
    fps: float = 1.0
    limit: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class ClipRow:
    """Metrics of one clip, by what replaces its audio."""

    name: str
    partners: tuple[str, ...]
    frames: int
    metrics: dict[str, dict[str, float]]


def swap(job: SwapJob, *, as_json: bool = False) -> dict[str, Any]:
    """Compare and write ``swap.json`` and ``swap.csv`` into ``job.out``; returns the line of ``--json``.

    A clip without audio, or that cannot be read, is left out with a note.

    Raises:
        InputError: wrong input; the message is one line.
    """
    console, began = Console(stderr=True), time.perf_counter()
    check_names(job.out, FILES)
    ensure_writable_folder(job.out)
    sources, notes = find_clips(job)
    partners = draw_partners(len(sources), job.others, job.seed)
    model = load_model(job.model, progress=download_bar)
    totals = {name: Swap(seed=job.seed) for name in CONDITIONS}
    rows: list[ClipRow] = []
    for number in progress_bar(console)(range(len(sources)), "comparing"):
        clip = {name: Swap(resamples=0) for name in CONDITIONS}
        others = tuple(sources[other] for other in partners[number])
        frames = 0
        try:
            for frame in compare(model, sources[number], others, job.fps):
                pairs = [(OTHER, other) for other in frame.others] + [(SILENCE, frame.silence)]
                for name, other in pairs:
                    values = (frame.own.pixels, other.pixels, frame.own.probability, other.probability)
                    clip[name].update(*values, torch.tensor([number]))
                    totals[name].update(*values, torch.tensor([number]))
                frames += 1
        except InputError as error:
            notes.append(f"{sources[number].image.name}: {frames} frames were compared; {error}")
        if frames:
            names = tuple(other.image.name for other in others)
            metrics = {name: clip[name].compute() for name in CONDITIONS}
            rows.append(ClipRow(sources[number].image.name, names, frames, metrics))
    if len(rows) < 2:
        raise InputError(f"{job.folder}: fewer than two clips could be read; {'; '.join(notes)}")
    summary = {
        "benchmark": "swap",
        "n": len(rows),
        "frames": sum(row.frames for row in rows),
        **{name: without_nan(totals[name].compute()) for name in CONDITIONS},
        "notes": notes,
        "settings": {**model_record(job.model, model), **own_settings(job)},
        "seconds": round(time.perf_counter() - began, 3),
    }
    with claim(job.out, FILES):
        write_atomic(job.out / "swap.json", json.dumps(summary, indent=1) + "\n")
        write_atomic(job.out / "swap.csv", table(rows))
    print_summary(console, summary, job)
    if as_json:
        sys.stdout.write(json.dumps(summary) + "\n")
    return summary


def find_clips(job: SwapJob) -> tuple[list[Source], list[str]]:
    """Clips of the folder with video and audio, and a note on each one that is left out.

    Raises:
        InputError: no folder, or not enough clips.
    """
    if not job.folder.is_dir():
        raise InputError(f"{job.folder}: is no folder; give a folder of videos with audio")
    sources: list[Source] = []
    notes: list[str] = []
    for item in list_sources(job.folder):
        if job.limit is not None and len(sources) == job.limit:
            break
        try:
            source = resolve_source(*item) if isinstance(item, tuple) else resolve_source(item)
            audio_file(source)
            sources.append(source)
        except InputError as error:
            notes.append(str(error))
    if len(sources) <= job.others:
        found = "one video" if len(sources) == 1 else f"{len(sources)} videos"
        needed = "two" if job.others == 1 else f"{job.others + 1}, or a lower --others"
        left_out = f" ({len(notes)} left out: {'; '.join(notes)})" if notes else ""
        raise InputError(f"{job.folder}: holds {found} with audio{left_out}; give at least {needed}")
    return sources, notes


def own_settings(job: SwapJob) -> dict[str, Any]:
    """Settings beside those of the model."""
    return {
        "folder": job.folder.name,
        "others": job.others,
        "fps": job.fps,
        "limit": job.limit,
        "seed": job.seed,
    }


def without_nan(metrics: dict[str, float]) -> dict[str, float | None]:
    """Metrics rounded to six digits, None for NaN, which JSON does not have."""
    return {name: None if math.isnan(value) else round(value, 6) for name, value in metrics.items()}


def table(rows: list[ClipRow]) -> str:
    """swap.csv: one row per clip and replacement; a missing metric is an empty cell."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = list(rows[0].metrics[OTHER])
    writer.writerow(["clip", "audio", "frames", *names])
    for row, audio, metrics in cells(rows):
        figures = ["" if math.isnan(metrics[name]) else f"{metrics[name]:.6f}" for name in names]
        writer.writerow([row.name, audio, row.frames, *figures])
    return file.getvalue()


def cells(rows: list[ClipRow]) -> Iterator[tuple[ClipRow, str, dict[str, float]]]:
    """(clip, what replaces its audio, metrics) of every row of the table."""
    for row in rows:
        yield row, "; ".join(row.partners), row.metrics[OTHER]
        yield row, SILENCE, row.metrics[SILENCE]


def print_summary(console: Console, summary: dict[str, Any], job: SwapJob) -> None:
    """Print a short summary."""
    for note in summary["notes"]:
        print_line(console, note)
    for name in CONDITIONS:
        figures = ", ".join(
            f"{key} {'-' if value is None else f'{value:.3f}'}" for key, value in summary[name].items()
        )
        print_line(console, f"{name}: {figures}")
    print_line(console, f"{summary['n']} clips, {summary['frames']} frames, per clip: {job.out / 'swap.csv'}")
