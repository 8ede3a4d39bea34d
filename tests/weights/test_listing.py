"""The docs page shows the current table of weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.weights_table import PAGE, fill_table


def test_the_table_in_the_docs_is_current(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEAC_CACHE", str(tmp_path))
    page = PAGE.read_text(encoding="utf-8")
    assert fill_table(page) == page, "run python -m benchmarks.weights_table"
    assert "`sam-vit-h`" in page
