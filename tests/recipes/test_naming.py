"""The recipe of taught kinds, on embeddings and pictures that are made in a moment."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from seac.associate.vision.efficientnet_lite import EfficientNetLite
from training.association.library import SILENT
from training.association.scenes import Composer
from training.naming.card import Row, table
from training.naming.judge import SOUNDS
from training.naming.learn import Lessons, Recipe, learn, one_of
from training.naming.looks import Looks

from .made_up import write_library

QUICK = Recipe(steps=120, batch=64, rate=1e-2, components=4, width=32)


def lessons() -> Lessons:
    """Three kinds and things of none, each around its own direction; "rare" has one file, "often" many."""
    draw = torch.Generator().manual_seed(0)
    kinds = [kind for kind in ("often", "rare", "third", SILENT) for _ in range(30)]
    middles = {kind: torch.randn(12, generator=draw) for kind in dict.fromkeys(kinds)}
    noise = torch.randn(len(kinds), 12, generator=draw)
    embeddings = torch.stack([middles[kind] for kind in kinds]) + 0.3 * noise
    files = [f"{kind}/{row % (1 if kind == 'rare' else 5)}" for row, kind in enumerate(kinds)]
    return Lessons(embeddings.half(), tuple(kinds), tuple(files))


def test_kinds_are_told_and_the_rest_is_none() -> None:
    given = lessons()
    network = learn(given, given.names(), QUICK, seed=0)
    said = network.probabilities(given.embeddings)
    for row, kind in enumerate(given.kinds):
        if kind == SILENT:
            assert float(said[row].sum()) < 0.5
        else:
            assert given.names()[int(said[row].argmax())] == kind


def test_a_seed_decides_all() -> None:
    given = lessons()
    one, same, other = (learn(given, given.names(), QUICK, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.kinds.weight, other.kinds.weight)


def test_kinds_that_are_left_out_teach_nothing() -> None:
    given = lessons()
    without = [row for row, kind in enumerate(given.kinds) if kind != "third"]
    fewer = Lessons(
        given.embeddings[without],
        tuple(given.kinds[row] for row in without),
        tuple(given.files[row] for row in without),
    )
    one, other = (learn(part, ["often", "rare"], QUICK, 0) for part in (given, fewer))
    assert torch.equal(one.kinds.weight, other.kinds.weight)


def test_files_are_drawn_alike_however_many_rows_they_have() -> None:
    draw = np.random.default_rng(0)
    files = [np.arange(99), np.array([99])]
    assert 400 < sum(one_of(files, draw) == 99 for _ in range(1_000)) < 600


def test_a_shard_says_of_every_look_what_it_shows(tmp_path: Path) -> None:
    made = write_library(tmp_path, {"bell": (250, 30, 30), "drum": (30, 30, 250)})
    looks = Looks(Composer(made / "pictures", made / "grounds", ["bell", "drum"]), EfficientNetLite.load())
    shard = looks.shard(0, 0)
    kinds, files = (json.loads(str(shard[name])) for name in ("kinds", "files"))
    assert shard["embeddings"].shape == (len(kinds), EfficientNetLite.dim)
    assert set(kinds) == {"bell", "drum"}
    assert files == [f"{kind}/a" for kind in kinds]
    again = looks.shard(0, 0)
    assert np.array_equal(shard["embeddings"], again["embeddings"])


def test_a_table_has_a_column_for_every_sound_and_vocabulary() -> None:
    lines = table("Title", ("2 words", "9 words"), [Row("words", (0.5, 0.25, 0.5, 0.125))]).splitlines()
    head = next(line for line in lines if line.startswith("| named by"))
    assert head.count("words, ") == 2 * len(SOUNDS)
    assert "| words | 0.500 | 0.250 | 0.500 | 0.125 |" in lines
