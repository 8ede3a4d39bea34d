"""What the written pages share."""

from __future__ import annotations


def cell(text: str) -> str:
    """Text for a cell of a Markdown table: one line, without marks that Markdown or HTML would read.

    Args:
        text: any text.
    """
    line = " ".join(text.split())
    for mark in ("\\", "|", "*", "_", "<", "[", "~"):
        line = line.replace(mark, "\\" + mark)
    return line.replace("`", "&#96;")
