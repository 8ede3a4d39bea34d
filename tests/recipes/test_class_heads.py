"""The recipe of taught kinds, on embeddings and pictures that are made in a moment."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from recipes.class_heads.crops import Looks
from recipes.class_heads.evaluate import SOUNDS
from recipes.class_heads.model_card import Row, table
from recipes.class_heads.samples import Sights, Sounds, one_of
from recipes.class_heads.train import Recipe, learn
from recipes.common.feature_cache import GROUND
from recipes.common.media_bank import SILENT
from recipes.common.scenes import Composer
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from tests.fixtures.media_bank import write_library

QUICK = Recipe(steps=120, batch=64, rate=1e-2, components=4, width=32)


def lessons() -> Sights:
    """Three kinds and things of none, each around its own direction; "rare" has one file, "often" many."""
    draw = torch.Generator().manual_seed(0)
    kinds = [kind for kind in ("often", "rare", "third", SILENT) for _ in range(30)]
    middles = {kind: torch.randn(12, generator=draw) for kind in dict.fromkeys(kinds)}
    noise = torch.randn(len(kinds), 12, generator=draw)
    embeddings = torch.stack([middles[kind] for kind in kinds]) + 0.3 * noise
    files = [f"{kind}/{row % (1 if kind == 'rare' else 5)}" for row, kind in enumerate(kinds)]
    return Sights(embeddings.half(), tuple(kinds), tuple(files))


def test_kinds_are_told_and_the_rest_is_none() -> None:
    given = lessons()
    network = learn(given, given.names(), QUICK, seed=0)
    said = network.probabilities(given.embeddings)
    for row, kind in enumerate(given.kinds):
        if kind == SILENT:
            assert float(said[row].sum()) < 0.5
        else:
            assert given.names()[int(said[row].argmax())] == kind


def clips() -> Sounds:
    """Clips of three kinds, and of two at once, whose windows are now the one and now the other."""
    draw = torch.Generator().manual_seed(1)
    names = ("bell", "drum", "horn")
    middles = {name: torch.randn(12, generator=draw) for name in names}
    kinds = [(name,) for name in names for _ in range(10)] + [("bell", "drum")] * 10
    windows = torch.stack([torch.stack([middles[each[w % len(each)]] for w in range(4)]) for each in kinds])
    return Sounds((windows + 0.2 * torch.randn(windows.shape, generator=draw)).half(), tuple(kinds))


def test_kinds_are_told_by_ear() -> None:
    given = clips()
    network = learn(given, given.names(), QUICK, seed=0)
    for windows, names in zip(given.windows, given.kinds, strict=True):
        for number, window in enumerate(network.probabilities(windows)):
            assert given.names()[int(window.argmax())] == names[number % len(names)]


def test_clips_of_two_kinds_are_half_of_each_and_go_with_a_kind_that_is_left_out() -> None:
    given, draw = replace(clips(), mixed=1.0), np.random.default_rng(0)
    _, targets = given.drawing(["bell", "drum"])(50, draw)
    assert torch.equal(targets, torch.tensor([[0.5, 0.5, 0.0]]).expand(50, -1))
    embeddings, targets = given.drawing(["bell", "horn"])(50, draw)
    assert embeddings.shape == (50, 12)
    assert set(targets.argmax(1).tolist()) == {0, 1}
    assert torch.equal(targets.amax(1), torch.ones(50))


def test_a_seed_decides_all() -> None:
    given = lessons()
    one, same, other = (learn(given, given.names(), QUICK, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.kinds.weight, other.kinds.weight)


def test_kinds_that_are_left_out_teach_nothing() -> None:
    given = lessons()
    without = [row for row, kind in enumerate(given.kinds) if kind != "third"]
    fewer = Sights(
        given.embeddings[without],
        tuple(given.kinds[row] for row in without),
        tuple(given.files[row] for row in without),
    )
    one, other = (learn(part, ["often", "rare"], QUICK, 0) for part in (given, fewer))
    assert torch.equal(one.kinds.weight, other.kinds.weight)


def test_looks_are_those_of_things_and_of_the_masks_that_an_association_has(tmp_path: Path) -> None:
    closer, quick = tmp_path / "closer", tmp_path / "quick"
    closer.mkdir()
    quick.mkdir()
    names = {"kinds": json.dumps(["bell"]), "files": json.dumps(["bell/a"])}
    np.savez(closer / "00000.npz", embeddings=np.zeros((1, 3), np.float16), **names)
    scenes = {"kinds": json.dumps([["drum", SILENT], ["bell"]]), "files": json.dumps([["d", "s"], ["b"]])}
    np.savez(
        quick / "00000.npz",
        local=np.arange(12, dtype=np.float16).reshape(4, 3),
        scene=np.array([0, 0, 1, 1]),
        owner=np.array([1, 0, -1, 0], np.int8),
        **scenes,
    )
    given = Sights.of(closer, quick)
    assert given.kinds == ("bell", SILENT, "drum", GROUND, "bell")
    assert given.files == ("bell/a", "s", "d", "0/1", "b")
    assert given.embeddings[1:, 0].tolist() == [0, 3, 6, 9]
    assert given.names() == ["bell", "drum"]
    assert len(given) == 5


def test_what_is_no_thing_is_taught_as_none() -> None:
    plain = lessons()
    kinds = tuple(GROUND if kind == "third" else kind for kind in plain.kinds)
    given = Sights(plain.embeddings, kinds, plain.files, none=(0.1, 0.4))
    _, targets = given.drawing(given.names())(400, np.random.default_rng(0))
    assert targets.shape == (400, 3)
    assert 0.4 < float(targets[:, -1].mean()) < 0.6
    network = learn(given, given.names(), QUICK, seed=0)
    said = network.probabilities(given.embeddings)
    assert all(float(said[row].sum()) < 0.5 for row, kind in enumerate(kinds) if kind == GROUND)


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
