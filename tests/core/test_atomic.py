"""Files that are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from seac.core.atomic import ensure_writable, write_atomic
from seac.core.errors import InputError


def test_a_file_is_whole_and_alone_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    ensure_writable(path)
    assert not path.exists()
    write_atomic(path, "one")
    write_atomic(path, "other")
    assert path.read_text() == "other"
    assert [item.name for item in path.parent.iterdir()] == ["a.txt"]


def test_a_path_that_takes_no_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to .*file"):
        ensure_writable(tmp_path / "file" / "a.txt")
    with pytest.raises(InputError, match=r"cannot write to .*file"):
        write_atomic(tmp_path / "file" / "a.txt", "lost on the way")
    with pytest.raises(InputError, match="is a folder"):
        ensure_writable(tmp_path)


def test_what_is_there_stays_until_the_new_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "new \udc80")
    assert path.read_text() == "old"
