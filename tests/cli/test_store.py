"""``seac store`` as a user meets it: what is lost stays known to be lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from seac.cli import app
from seac.features import open_store
from seac.features.schema import payload
from seac.features.writer import StoreWriter
from tests.fixtures.pairs import PROVENANCE, clip


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """The only shard of a store."""
    with StoreWriter(tmp_path / "s", PROVENANCE) as writer:
        for number in range(4):
            writer.add(payload(clip(number)))
        writer.compact()
    (path,) = (tmp_path / "s" / "shards").iterdir()
    return path


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert app.run(["store", *map(str, words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_putting_in_order_does_not_make_a_lost_shard_look_whole(
    shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard.unlink()
    assert shard.name in refused(capsys, "compact", tmp_path / "s")
    assert f"{shard.name} is missing (4 clips)" in refused(capsys, "verify", tmp_path / "s")


@pytest.mark.parametrize("damage", ["cut short", "one byte"])
def test_putting_in_order_leaves_a_damaged_shard_as_it_is(
    shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-20] if damage == "cut short" else whole[:200] + b"?" + whole[201:])
    with StoreWriter(tmp_path / "more", PROVENANCE) as writer:
        writer.add(payload(clip(9)))
    (pending,) = (tmp_path / "more" / "pending").iterdir()
    pending.rename(tmp_path / "s" / "pending" / pending.name)
    assert shard.name in refused(capsys, "compact", tmp_path / "s")
    assert shard.is_file()
    assert shard.name in refused(capsys, "verify", tmp_path / "s")


def test_pending_clips_become_a_shard(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", PROVENANCE) as writer:
        for number in range(3):
            writer.add(payload(clip(number)))
    assert app.run(["store", "compact", str(tmp_path / "s")]) == 0
    assert len(list((tmp_path / "s" / "shards").iterdir())) == 1
    assert len(open_store(tmp_path / "s")) == 3
