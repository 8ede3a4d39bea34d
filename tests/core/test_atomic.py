"""Atomic file writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from seac.core import atomic
from seac.core.atomic import ensure_writable, write_atomic
from seac.core.errors import InputError


def test_a_written_file_is_complete_and_the_only_one_in_its_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    ensure_writable(path)
    assert not path.exists()
    write_atomic(path, "one")
    write_atomic(path, "other")
    assert path.read_text() == "other"
    assert [item.name for item in path.parent.iterdir()] == ["a.txt"]


def test_an_unwritable_path_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to .*file"):
        ensure_writable(tmp_path / "file" / "a.txt")
    with pytest.raises(InputError, match=r"cannot write to .*file"):
        write_atomic(tmp_path / "file" / "a.txt", "not written")
    with pytest.raises(InputError, match="is a folder"):
        ensure_writable(tmp_path)


def test_an_existing_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "new \udc80")
    assert path.read_text() == "old"


def test_content_reaches_the_disk_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    rename = Path.replace
    monkeypatch.setattr(atomic, "sync", lambda path: events.append(f"sync {path.name}"))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (events.append(f"rename to {to.name}"), rename(self, to))[1]
    )
    write_atomic(tmp_path / "a.txt", "content")
    assert events == ["sync a.txt.seac-draft", "rename to a.txt", f"sync {tmp_path.name}"]


def test_a_folder_and_a_missing_path_can_be_flushed(tmp_path: Path) -> None:
    atomic.sync(tmp_path)
    atomic.sync(tmp_path / "missing")
