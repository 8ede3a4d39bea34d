"""A writer killed at any disk operation loses and duplicates no clip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seac.features import open_store
from seac.features.schema import payload
from seac.features.unreadable import Unreadable, read_unreadable
from seac.features.verify import verify
from seac.features.writer import StoreWriter
from tests.fixtures.pairs import PROVENANCE, clip, same

CLIPS = 7
SIZE = len(payload(clip(0)))


class Death(BaseException):
    """A simulated kill, which no exception handler catches."""


def kill_at(monkeypatch, step: int) -> list[int]:
    """Raise :class:`Death` at the disk operation of this number; returns the counter of operations."""
    taken = [0]

    def wrap(real):
        def take(*args, **options):
            taken[0] += 1
            if taken[0] == step:
                raise Death
            return real(*args, **options)

        return take

    monkeypatch.setattr(os, "fsync", wrap(os.fsync))
    for name in ("replace", "unlink", "mkdir"):
        monkeypatch.setattr(Path, name, wrap(getattr(Path, name)))
    return taken


def write(folder: Path) -> list[str]:
    """Add all clips in several shards; :data:`ACCEPTED` holds the ids that the writer has accepted."""
    accepted: list[str] = []
    with StoreWriter(folder, PROVENANCE, shard_bytes=3 * SIZE) as writer:
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
        taken = kill_at(patch, -1)
        write(tmp_path / "whole")
    return taken[0]


def test_a_kill_at_any_step_loses_and_duplicates_no_clip(tmp_path):
    steps = count_steps_of_a_run(tmp_path)
    assert steps > 30
    for step in range(1, steps + 1):
        folder = tmp_path / f"died{step}"
        ACCEPTED.clear()
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, step)
            with pytest.raises(Death):
                write(folder)
        if ACCEPTED and (folder / "manifest.json").exists():
            ids = open_store(folder).ids
            assert set(ACCEPTED) <= set(ids), step
            assert len(set(ids)) == len(ids), step
        write(folder)
        store = open_store(folder)
        assert store.ids == tuple(clip(number).id for number in range(CLIPS)), step
        assert all(same(store[number], clip(number)) for number in range(CLIPS)), step
        assert verify(folder, deep=True).problems == (), step
        assert not list(folder.rglob("*.part")), step


def test_an_incomplete_line_of_the_unreadable_list_is_ignored(tmp_path):
    unreadable = Unreadable(tmp_path)
    unreadable.add("a", "broken, and more")
    unreadable.add("b", 'says "no"')
    with (tmp_path / "unreadable.csv").open("a") as file:
        file.write('c,"it was half wr')
    assert read_unreadable(tmp_path) == {"a": "broken, and more", "b": 'says "no"'}
    again = Unreadable(tmp_path)
    again.drop("a")
    again.add("c", "whole")
    again.compact()
    assert read_unreadable(tmp_path) == {"b": 'says "no"', "c": "whole"}
