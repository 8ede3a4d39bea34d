"""Implementation of ``seac profile``: speed by stage against a reference implementation."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seac.core.atomic import ensure_writable, write_atomic
from seac.presets.spec import ModelSpec
from seac.profiling import page
from seac.profiling.cases import build_case
from seac.profiling.compare import run
from seac.profiling.memory import peak_memory
from seac.profiling.roofline import best_rate
from seac.profiling.synthetic import scene
from seac.profiling.timing import Clock


@dataclass(frozen=True)
class ProfileJob:
    """Options of ``seac profile``."""

    model: ModelSpec = ModelSpec()
    random_weights: bool = False
    masks: int = 50
    width: int = 1024
    height: int = 768
    repeats: int = 5
    threads: int = 0
    clock: Clock = "wall"
    docs_page: Path | None = None


def profile(job: ProfileJob, *, as_json: bool = False) -> dict[str, Any]:
    """Measure, print a table, and write the requested page.

    Returns:
        rows by stage, the machine's rate, the peak memory, and the settings.

    Raises:
        InputError: parts without a reference implementation, missing weights, or a page that is another file.
    """
    if job.docs_page is not None:
        ensure_writable(job.docs_page, page.is_card)
    if job.threads:
        torch.set_num_threads(job.threads)
    parts = build_case(job.model, random=job.random_weights)
    frame, rate = scene(job.height, job.width, job.masks), best_rate(job.clock)
    rows = run(parts, frame, job.repeats, job.model.resolve_settings().views, job.clock)
    answer: dict[str, Any] = {
        "stages": [row.as_json(rate) for row in rows],
        "rate": rate,
        "peak_bytes": peak_memory(),
        "settings": settings_of(job),
    }
    sys.stdout.write(page.table(answer["stages"]))
    where = f"{torch.get_num_threads()} threads, {job.clock} clock"
    sys.stdout.write(f"peak memory {answer['peak_bytes'] / 1e9:.2f} GB, {where}\n")
    if job.docs_page is not None:
        write_atomic(job.docs_page, page.speed_page(answer))
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
    return answer


def settings_of(job: ProfileJob) -> dict[str, Any]:
    """Settings of the measurement for the output."""
    return {
        "preset": job.model.preset,
        "segmenter": job.model.parts.get("segmenter"),
        "vision": job.model.parts.get("vision"),
        "masks": job.masks,
        "size": f"{job.width}x{job.height}",
        "repeats": job.repeats,
        "threads": torch.get_num_threads(),
        "clock": job.clock,
        "random_weights": job.random_weights,
    }
