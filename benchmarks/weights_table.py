"""The table of weights in docs/presets.md: ``python -m benchmarks.weights_table``."""

from __future__ import annotations

from pathlib import Path

from seac.weights import TABLE, Weights
from seac.weights.listing import lines, markdown

PAGE = Path(__file__).resolve().parents[1] / "docs" / "presets.md"
BEGIN, END = "<!-- weights:begin -->\n", "<!-- weights:end -->"


def fill_table(page: str) -> str:
    """The page with the current table of ``seac weights list --markdown``."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{markdown(lines(TABLE, Weights(fetch=False)))}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(fill_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
