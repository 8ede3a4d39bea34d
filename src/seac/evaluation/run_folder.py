"""Reader of the folders that ``seac evaluate`` writes: ``scores.json`` and ``per_clip.csv``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from seac.core.errors import InputError
from seac.datasets.csv_file import read_rows
from seac.evaluation.report.per_clip import HEAD, TAIL
from seac.evaluation.report.per_clip import NAME as PER_CLIP
from seac.evaluation.robustness import base_id
from seac.evaluation.scores_file import NAME, ScoresRecord, read_scores
from seac.evaluation.summary import ERROR_TYPES, ClipScore, Evaluation, MethodResult

AGAIN = "run seac evaluate again (predictions there are used again)"
UNBOUNDED = frozenset({"confidence"})
"""Metrics of a clip that are no shares."""


def read_run(folder: Path) -> Evaluation:
    """Read an evaluation back, without its curves and figures per class.

    Raises:
        InputError: no folder of ``seac evaluate``, or a damaged one; the message names the file and line.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give folders that seac evaluate wrote")
    record = read_scores(folder / NAME)
    clips = read_per_clip(folder / PER_CLIP)
    _check(record, clips, folder)
    methods = tuple(
        MethodResult(
            name,
            {
                protocol: {metric: math.nan if value is None else value for metric, value in figures.items()}
                for protocol, figures in protocols.items()
            },
            clips=clips[name],
        )
        for name, protocols in record.methods.items()
    )
    return Evaluation(record.benchmark, record.n, record.frames, methods, record.settings)


def read_per_clip(path: Path) -> dict[str, tuple[ClipScore, ...]]:
    """The metrics of every clip by method, in the order of the file; an empty cell is a missing metric.

    Raises:
        InputError: the file is missing, not CSV, has another header, or a line that is cut or damaged.
    """
    rows = read_rows(path)
    _, header = next(rows, (0, []))
    names = header[len(HEAD) : -len(TAIL)]
    if header[: len(HEAD)] != HEAD or header[-len(TAIL) :] != TAIL or len(set(names)) != len(names):
        raise InputError(f"{path}: not a table of seac evaluate; {AGAIN}")
    found: dict[str, dict[str, ClipScore]] = {}
    for line, fields in rows:
        if len(fields) != len(header):
            raise InputError(f"{path}, line {line}: {len(fields)} of {len(header)} fields; {AGAIN}")
        method, clip = fields[0], _clip(fields, names, f"{path}, line {line}")
        if clip.id in found.setdefault(method, {}):
            raise InputError(f"{path}, line {line}: clip {clip.id!r} of {method!r} twice; {AGAIN}")
        found[method][clip.id] = clip
    return {method: tuple(clips.values()) for method, clips in found.items()}


def _clip(fields: Sequence[str], names: Sequence[str], where: str) -> ClipScore:
    _, name, category, *cells, error, frame, audio = fields
    if not name:
        raise InputError(f"{where}: no id; {AGAIN}")
    if error and error not in ERROR_TYPES:
        raise InputError(f"{where}: error type {error!r}; known are {', '.join(ERROR_TYPES)}: {AGAIN}")
    scores = {metric: _number(cell, metric, where) for metric, cell in zip(names, cells, strict=True) if cell}
    return ClipScore(name, category or None, scores, error or None, frame, audio)


def _number(cell: str, metric: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not (metric in UNBOUNDED or 0 <= value <= 1):
        raise InputError(f"{where}: {metric} is {cell!r}, and a share from 0 to 1 is needed; {AGAIN}")
    return value


def _check(record: ScoresRecord, clips: Mapping[str, tuple[ClipScore, ...]], folder: Path) -> None:
    """Check that both files are of one evaluation.

    Raises:
        InputError: methods, clips or their number differ.
    """
    ids = {method: {clip.id for clip in rows} for method, rows in clips.items()}
    first = next(iter(ids.values()), set())
    if (
        set(clips) != set(record.methods)
        or any(own != first for own in ids.values())
        or record.n not in (len(first), len({base_id(name) for name in first}))
    ):
        raise InputError(f"{folder}: {NAME} and {PER_CLIP} are of different evaluations; {AGAIN}")
