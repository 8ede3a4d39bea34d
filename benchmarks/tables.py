"""Generated tables in documents."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seac.core.atomic import write_atomic


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table; all columns except the first are right-aligned numbers."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return ["| " + " | ".join(str(value) for value in row) + " |" for row in (heads, rule, *rows)]


def format_spread(shares: Sequence[float]) -> str:
    """Mean in percent, with the standard deviation of several values."""
    values = 100 * np.array(shares)
    spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}"


def replace_section(document: Path, name: str, lines: Sequence[str]) -> None:
    """Replace the lines between ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises:
        ValueError: the document has no such markers.
    """
    try:
        text = with_section(document.read_text(encoding="utf-8"), name, lines)
    except ValueError as error:
        raise ValueError(f"{document} {error}") from None
    write_atomic(document, text)


def with_section(text: str, name: str, lines: Sequence[str]) -> str:
    """A text with other lines between ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises:
        ValueError: the text has no such markers.
    """
    opening, closing = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = text.partition(opening)
    _, ended, after = rest.partition(closing)
    if not found or not ended:
        raise ValueError(f"has no {opening} ... {closing}")
    return before + opening + "\n" + "\n".join(lines) + "\n" + closing + after


def rows_of_section(document: Path | None, name: str) -> dict[str, list[str]]:
    """Cells of the rows of a section's table by the first cell, without heads; empty without a document."""
    if document is None:
        return {}
    text = document.read_text(encoding="utf-8").partition(f"<!-- {name} -->")[2]
    lines = text.partition(f"<!-- end of {name} -->")[0].splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")
    ]
    return {row[0]: row for row in rows[2:]}


def machine() -> str:
    """Architecture, number of cores and load of the machine."""
    return f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}"
