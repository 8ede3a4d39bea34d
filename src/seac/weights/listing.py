"""Formats the table of weights as text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seac.weights.cache import State, Weights
from seac.weights.record import Hub, OwnTraining, Package, Record

STATES_BY_SEVERITY: tuple[State, ...] = ("damaged", "missing", "unchecked", "ready")


@dataclass(frozen=True)
class Line:
    """One record and the state of its files on this machine."""

    record: Record
    state: State

    @property
    def size(self) -> str:
        """Megabytes; a tilde marks sizes estimated from the number of parameters."""
        return f"{'' if self.record.exact else '~'}{self.record.size / 1e6:,.0f} MB"

    @property
    def home(self) -> str:
        """Short name of the source."""
        source = self.record.source
        if isinstance(source, Package):
            return f"pip: {source.distribution}" if source.distribution else "seac"
        if isinstance(source, Hub):
            return source.repo
        if isinstance(source, OwnTraining):
            return "your training"
        return source.page.split("//")[-1].split("#")[0]

    def as_json(self) -> dict[str, Any]:
        """Return the line as JSON-serialisable values."""
        row = self.record
        return {
            "name": row.name,
            "state": self.state,
            "bytes": row.size,
            "bytes_exact": row.exact,
            "licence": row.licence,
            "presets": list(row.presets),
            "part": row.part,
            "page": row.source.page,
        }


def lines(rows: Sequence[Record], weights: Weights) -> list[Line]:
    """Return the lines of ``rows``; no file is read."""
    return [Line(row, state_of(row, weights)) for row in rows]


def state_of(row: Record, weights: Weights) -> State:
    """Return the most severe state of a record's files; files in the user's folder are ready."""
    if weights.own(row) is not None:
        return "ready"
    states = {weights.state(row, file) for file in row.files}
    return next(state for state in STATES_BY_SEVERITY if state in states)


def table(records: Sequence[Line]) -> str:
    """Return the table as text with aligned columns."""
    head = ("name", "state", "size", "licence", "presets", "home")
    body = [
        (
            line.record.name,
            line.state,
            line.size,
            line.record.licence,
            ", ".join(line.record.presets),
            line.home,
        )
        for line in records
    ]
    widths = [max(len(row[column]) for row in (head, *body)) for column in range(len(head))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in (head, *body)
    )


def markdown(records: Sequence[Line]) -> str:
    """Return the table as Markdown, without the columns that depend on this machine."""
    head = ("name", "what", "size", "licence", "part", "default in", "home")
    body = [
        (
            f"`{line.record.name}`",
            line.record.summary,
            line.size,
            line.record.licence,
            line.record.part,
            ", ".join(line.record.presets),
            line.home,
        )
        for line in records
    ]
    rows = [head, tuple("---" for _ in head), *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
