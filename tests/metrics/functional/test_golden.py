"""Agreement with the public evaluators, on their results for fixed inputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.scoring import golden

pytestmark = pytest.mark.shared


def test_every_golden_figure_agrees_within_its_tolerance(shared: Path) -> None:
    rows = golden(shared)
    off = {row.name: row.difference for row in rows if not abs(row.difference) <= row.tolerance}
    assert off == {}


def test_every_golden_figure_is_held(shared: Path) -> None:
    reference = json.loads((shared / "golden" / "metrics.json").read_text(encoding="utf-8"))
    assert {row.name for row in golden(shared)} == set(reference)
