"""Model cards as tables: data, recipe phases, metrics, licence, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; columns of numbers are right-aligned."""
    numeric = [
        bool(rows) and all(isinstance(row[column], (int, float)) for row in rows)
        for column in range(len(header))
    ]
    lines = [
        _line(header),
        _line(["---:" if right else "---" for right in numeric]),
        *(_line([_text(value) for value in row]) for row in rows),
    ]
    return "\n".join(lines)


def section(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]], note: str = "") -> str:
    """A heading, an optional sentence, and a table."""
    return "\n".join([f"## {title}", "", *([note, ""] if note else []), table(header, rows), ""])


def pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows of names and values."""
    return [(name, str(value)) for name, value in values.items()]


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
