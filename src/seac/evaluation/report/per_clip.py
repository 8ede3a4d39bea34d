"""per_clip.csv: one row per clip and method."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from seac.evaluation.summary import Evaluation

NAME = "per_clip.csv"
HEAD, TAIL = ["method", "id", "category"], ["attribution", "frame", "audio"]
"""First and last columns; metrics are between them."""


def write_per_clip(evaluation: Evaluation, path: Path) -> None:
    """Write the metrics of every clip; a missing metric is an empty cell."""
    names: list[str] = []
    for method in evaluation.methods:
        for clip in method.clips:
            names += [name for name in clip.scores if name not in names]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*HEAD, *names, *TAIL])
        for method in evaluation.methods:
            for clip in method.clips:
                figures = [clip.scores.get(name, math.nan) for name in names]
                cells = ["" if math.isnan(value) else f"{value:.6f}" for value in figures]
                row = [
                    method.name,
                    clip.id,
                    clip.category or "",
                    *cells,
                    clip.attribution or "",
                    clip.frame,
                    clip.audio,
                ]
                writer.writerow(row)
