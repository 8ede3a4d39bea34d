"""The tables of formats in docs/exports.md: ``python -m benchmarks.exports``."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getdoc
from pathlib import Path

from seac.core.atomic import write_atomic
from seac.export.exporter import EXPORTERS, exporter_class

PAGE = Path(__file__).resolve().parents[1] / "docs" / "exports.md"
BEGIN, END = "<!-- formats:begin -->\n", "<!-- formats:end -->"
HEADS = ("format", "files", "opened by", "frames", "numbers of frames", "coordinates", "holes and parts")

FORMATS = tuple(name for name in EXPORTERS if hasattr(exporter_class(name), "about"))
"""Formats that describe themselves by ``about``."""


def _rows() -> Iterator[tuple[str, ...]]:
    for name in EXPORTERS:
        exporter = exporter_class(name)
        files = ", ".join(f"`{file.removesuffix('*')}`" for file in exporter.files)
        shown = "every frame" if exporter.every_frame else "key frames"
        about = getattr(exporter, "about", None)
        if about is None:
            summary = (getdoc(exporter) or "").partition("\n")[0]
            yield f"`{name}`", files, summary, shown, "", "", ""
        else:
            yield f"`{name}`", files, about.opens, shown, about.numbers, about.pixels, about.holes


def fill_page(page: str) -> str:
    """The page with the current table of formats."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = (" | ".join(row) for row in (HEADS, ("---",) * len(HEADS), *_rows()))
    return before + BEGIN + "".join(f"| {line} |\n" for line in lines) + END + after


if __name__ == "__main__":
    write_atomic(PAGE, fill_page(PAGE.read_text(encoding="utf-8")))
