"""``scores.json`` of an evaluation: its figures and settings for programs, beside ``per_clip.csv``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from seac.core.errors import InputError
from seac.datasets.csv_file import read_text
from seac.evaluation.summary import Evaluation, Leakage, MethodResult

NAME = "scores.json"
FORMAT = "seac scores 1"

Figures = dict[str, dict[str, float | None]]


class ScoresRecord(BaseModel):
    """Figures and settings of an evaluation; null is an undefined metric."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal["seac scores 1"]
    benchmark: str = Field(min_length=1, description="as on the command line")
    n: PositiveInt = Field(description="clips scored")
    frames: PositiveInt = Field(description="frames scored")
    protocols: Figures = Field(description="metrics of the first row by protocol and name")
    methods: dict[str, Figures] = Field(min_length=1, description="metrics of every row")
    attribution: dict[str, int] = Field(description="clips of the first row by error type")
    missing: list[str] = Field(description="ids of clips without prediction")
    leakage: dict[str, int] | None = Field(description="overlap with a training list")
    seconds: dict[str, float] = Field(description="wall time by step")
    settings: dict[str, Any] = Field(description="what determines the metrics, machine and versions")


def summary(evaluation: Evaluation, protocol: str | None) -> dict[str, Any]:
    """The line of ``--json``: metrics of the first row, then all rows by name.

    Args:
        evaluation: results.
        protocol: the protocol to show; None for all.
    """

    def shown(row: MethodResult) -> dict[str, dict[str, float]]:
        return {name: dict(figures) for name, figures in row.protocols.items() if protocol in (None, name)}

    first = evaluation.methods[0]
    return {
        "benchmark": evaluation.benchmark,
        "n": evaluation.n,
        "frames": evaluation.frames,
        "protocols": shown(first),
        "methods": {row.name: shown(row) for row in evaluation.methods},
        "attribution": first.attribution(),
        "missing": list(evaluation.missing),
        "leakage": None if evaluation.leakage is None else leakage_counts(evaluation.leakage),
        "seconds": dict(evaluation.seconds),
        "settings": dict(evaluation.settings),
    }


def leakage_counts(leakage: Leakage) -> dict[str, int]:
    """The overlap as counts."""
    return {
        "listed": leakage.listed,
        "by_clip": len(leakage.by_clip),
        "by_video": len(leakage.by_video),
        "dropped": leakage.dropped,
    }


def write_scores(evaluation: Evaluation, path: Path) -> None:
    """Write ``scores.json`` with every protocol; undefined metrics are null."""
    content = without_nan({"format": FORMAT} | summary(evaluation, None))
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_scores(path: Path) -> ScoresRecord:
    """Read ``scores.json``.

    Raises:
        InputError: the file is missing, damaged or of another program.
    """
    if not path.is_file():
        raise InputError(
            f"{path.parent}: no {path.name}; give folders that seac evaluate wrote, or evaluate again "
            "(predictions there are used again)"
        )
    text = read_text(path)
    try:
        return ScoresRecord.model_validate_json(text)
    except (ValidationError, RecursionError):
        raise InputError(
            f"{path}: damaged, or not of this version of seac; run seac evaluate again"
        ) from None


def without_nan(value: Any) -> Any:
    """Builtin values in which None is in the place of floats that JSON does not have."""
    if isinstance(value, Mapping):
        return {name: without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
