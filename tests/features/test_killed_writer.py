"""A writer may die between any two steps that it takes on the disk: nothing is lost or there twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seac.features import open_store
from seac.features.schema import payload
from seac.features.unreadable import Unreadable, read_unreadable
from seac.features.verify import verify
from seac.features.writer import StoreWriter
from tests.fixtures.pairs import MADE, clip, same

CLIPS = 7
SIZE = len(payload(clip(0)))


class Death(BaseException):
    """What no handler of ours may catch."""


def deadly(monkeypatch, step: int) -> list[int]:
    """Make the process "die" instead of taking the step with this number; how many were taken so far."""
    taken = [0]

    def dying(real):
        def take(*args, **options):
            taken[0] += 1
            if taken[0] == step:
                raise Death
            return real(*args, **options)

        return take

    monkeypatch.setattr(os, "fsync", dying(os.fsync))
    for name in ("replace", "unlink", "mkdir"):
        monkeypatch.setattr(Path, name, dying(getattr(Path, name)))
    return taken


def write(folder: Path) -> list[str]:
    """Add all clips, closing shards on the way; ids of those that the writer has accepted are kept."""
    accepted: list[str] = []
    with StoreWriter(folder, MADE, shard_bytes=3 * SIZE) as writer:
        for number in range(CLIPS):
            if clip(number).id not in writer:
                writer.add(payload(clip(number)))
            accepted.append(clip(number).id)
            ACCEPTED[:] = accepted
        writer.compact()
    return accepted


ACCEPTED: list[str] = []


def count_steps_of_a_run(tmp_path: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        taken = deadly(patch, -1)
        write(tmp_path / "whole")
    return taken[0]


def test_death_at_every_step_loses_and_doubles_nothing(tmp_path):
    steps = count_steps_of_a_run(tmp_path)
    assert steps > 30
    for step in range(1, steps + 1):
        folder = tmp_path / f"died{step}"
        ACCEPTED.clear()
        with pytest.MonkeyPatch.context() as patch:
            deadly(patch, step)
            with pytest.raises(Death):
                write(folder)
        if ACCEPTED and (folder / "manifest.json").exists():
            there = open_store(folder).ids
            assert set(ACCEPTED) <= set(there), step
            assert len(set(there)) == len(there), step
        write(folder)
        store = open_store(folder)
        assert store.ids == tuple(clip(number).id for number in range(CLIPS)), step
        assert all(same(store[number], clip(number)) for number in range(CLIPS)), step
        assert verify(folder, deep=True).problems == (), step
        assert not list(folder.rglob("*.part")), step


def test_half_a_line_of_the_list_of_unreadable_clips_is_no_clip(tmp_path):
    listed = Unreadable(tmp_path)
    listed.add("a", "broken, and more")
    listed.add("b", 'says "no"')
    with (tmp_path / "unreadable.csv").open("a") as file:
        file.write('c,"it was half wr')
    assert read_unreadable(tmp_path) == {"a": "broken, and more", "b": 'says "no"'}
    again = Unreadable(tmp_path)
    again.drop("a")
    again.add("c", "whole")
    again.compact()
    assert read_unreadable(tmp_path) == {"b": 'says "no"', "c": "whole"}
