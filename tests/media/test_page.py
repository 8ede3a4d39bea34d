"""docs/media.md is what the code prints."""

from __future__ import annotations

from pathlib import Path

from seac.media.page import render

REPO = Path(__file__).resolve().parents[2]


def test_the_page_is_what_the_code_prints():
    page = (REPO / "docs/media.md").read_text(encoding="utf-8")
    assert page == render(), "run python -m seac.media.page > docs/media.md"
