"""The association ablation has means, and standard deviations only for several trainings."""

from __future__ import annotations

from benchmarks.association_ablation import VARIANTS, ZERO_SHOT
from benchmarks.compare import section


def test_a_row_is_mean_and_spread_in_percent() -> None:
    found = {ZERO_SHOT: [{"miou": 0.5}], "MICL": [{"miou": 0.4}, {"miou": 0.6}]}
    rows = section("s4", found, "association")
    assert rows[0] == "## s4"
    assert f"| {ZERO_SHOT} | 50.0 |" in rows
    assert "| MICL | 50.0 ± 14.1 |" in rows


def test_every_variant_differs_from_the_others() -> None:
    assert len({(variant.mixing, variant.zero_shot, variant.class_heads) for variant in VARIANTS}) == len(
        VARIANTS
    )
    assert ZERO_SHOT not in {variant.name for variant in VARIANTS}
