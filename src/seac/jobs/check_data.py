"""Implementation of ``seac data check``: a table of findings, with examples; a file of all findings."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from seac.core.atomic import ensure_writable
from seac.core.errors import InputError
from seac.datasets.check import FAULTS, NOTICES, CheckReport, Finding, check, count_names
from seac.datasets.clip import Reader
from seac.datasets.table import open_benchmark
from seac.evaluation.robustness import base_benchmark
from seac.jobs.progress import print_line

HEAD = ("kind", "split", "clip", "file", "line")
SHOWN = 3
"""Number of findings of each type that are shown."""


def check_benchmark(
    benchmark: str, folder: Path, *, split: str, deep: bool, out: Path | None, as_json: bool
) -> CheckReport:
    """Check a benchmark, print the findings and write them.

    Raises:
        InputError: the benchmark cannot be indexed, ``out`` cannot be written or is another file, or faults
            were found.
    """
    if out is not None:
        ensure_writable(out, is_findings)
    reader = open_benchmark(base_benchmark(benchmark, folder), folder, split, strict=False)
    console = Console(highlight=False, soft_wrap=True)
    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("reading" if deep else "looking", total=len(reader.clips))
        health = check(reader, deep=deep, step=lambda: progress.advance(task))
    print_line(console, f"{reader.name} in {reader.folder}")
    console.print(_table(reader, health))
    for kind in (*FAULTS, *NOTICES):
        _show(console, kind, [finding for finding in health.findings if finding.kind == kind])
    if not deep:
        console.print("headers only; --deep decodes every file and detects empty truth and silence")
    if out is not None:
        write_findings(health.findings, out)
    if as_json:
        sys.stdout.write(json.dumps(_record(reader, health)) + "\n")
    if health.faults:
        counts_by_kind = Counter(finding.kind for finding in health.faults)
        named = ", ".join(f"{counts_by_kind[kind]} {kind}" for kind in FAULTS if counts_by_kind[kind])
        where = f"see {out}" if out else "--out FILE writes them all"
        raise InputError(f"{folder}: {len(health.faults)} faults in {benchmark} ({named}); {where}")
    return health


def is_findings(path: Path) -> bool:
    """Whether a file was written by :func:`write_findings`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), None) == list(HEAD)
    except (OSError, ValueError, csv.Error):
        return False


def write_findings(findings: tuple[Finding, ...], path: Path) -> None:
    """Write findings as csv (kind, split, clip, file, line), atomically.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".seac-", dir=path.parent)
        try:
            with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
                rows = csv.writer(file)
                rows.writerow(HEAD)
                rows.writerows((f.kind, f.split, f.clip, f.file, f.line) for f in findings)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}): give another file with --out") from None


def _table(reader: Reader, health: CheckReport) -> Table:
    table = Table("")
    for split in health.counts:
        table.add_column(split, justify="right")
    for name in count_names(reader):
        cells = (_cell(_count(health, counts, name), name) for counts in health.counts.values())
        table.add_row(name, *cells, end_section=name in {"audio", FAULTS[-1]})
    return table


def _count(health: CheckReport, counts: Counter[str], name: str) -> int | None:
    """A count; None if the check was not made."""
    return None if name in {"empty truth", "silent"} and not health.deep else counts[name]


def _cell(count: int | None, name: str) -> str:
    if count is None:
        return "?"
    return f"[red]{count}[/]" if name in FAULTS and count else str(count)


def _show(console: Console, kind: str, findings: list[Finding]) -> None:
    for finding in findings[:SHOWN]:
        print_line(console, f"{kind}: {finding.line}")
    if len(findings) > SHOWN:
        print_line(console, f"{kind}: {len(findings) - SHOWN} more")


def _record(reader: Reader, health: CheckReport) -> dict[str, object]:
    return {
        "benchmark": reader.name,
        "folder": str(reader.folder),
        "deep": health.deep,
        "clean": not health.faults,
        "splits": {
            split: {name: _count(health, counts, name) for name in count_names(reader)}
            for split, counts in health.counts.items()
        },
    }
