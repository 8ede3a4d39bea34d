"""Each row of the ablation differs from the preset in the named change only."""

from __future__ import annotations

from dataclasses import fields

import seac
from benchmarks.ablation import VARIANTS, build_variants


def test_a_variant_changes_what_it_names_and_nothing_else() -> None:
    model = seac.load("tiny")
    rows = build_variants(model)
    assert list(rows) == list(VARIANTS)
    names = {
        "audio": "audio",
        "segmenter": "segmenter",
        "classifier": "classifier",
    }
    for row, (parts, constants) in VARIANTS.items():
        (other,) = rows[row]
        differing = {
            item.name
            for item in fields(model.settings)
            if getattr(model.settings, item.name) != getattr(other.settings, item.name)
        }
        assert differing == set(constants), row
        before, after = model.stages.versions(), other.stages.versions()
        changed = {part for part in before if before[part] != after[part]}
        assert changed == {names[part] for part in parts}, row
