"""The page of the rules is written from measurements alone."""

from __future__ import annotations

import json

from benchmarks.decision_rules import DELETED, difference, page
from tests.conftest import REPO

BEFORE = REPO / "docs/measurements/decision_rules_before.json"
AFTER = REPO / "docs/measurements/decision_rules_after.json"


def test_a_difference_is_the_mean_over_renderings_with_its_spread() -> None:
    base, runs = [{"miou": 0.5}, {"miou": 0.6}], [{"miou": 0.52}, {"miou": 0.66}]
    assert difference(runs, base, "miou") == "59.0 (+4.0 ± 2.8)"
    assert difference(base, base, "miou") == "55.0 (+0.0 ± 0.0)"


def test_every_deleted_rule_was_measured_and_no_figure_fell_by_more_than_its_spread() -> None:
    figures = json.loads(BEFORE.read_text(encoding="utf-8"))["figures"]
    for _, row, _ in DELETED:
        for found in figures.values():
            for column in found["tiny"][0]:
                text = difference(found[row], found["tiny"], column).partition("(")[2].rstrip(")")
                change, _, spread = text.partition(" ± ")
                assert float(change) >= -max(float(spread), 0.2), (row, column, text)


def test_the_page_in_the_docs_is_that_of_the_measurements() -> None:
    before = json.loads(BEFORE.read_text(encoding="utf-8"))
    after = json.loads(AFTER.read_text(encoding="utf-8")) if AFTER.is_file() else None
    assert (REPO / "docs/decision_rules.md").read_text(encoding="utf-8") == page(before, after)
