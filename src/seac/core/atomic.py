"""Files that are whole or not there, in places that are tried before the work whose outcome they hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seac.core.errors import InputError

DRAFT = ".seac-draft"


def unwritable(folder: Path, error: OSError) -> InputError:
    """One line for a folder that takes no files."""
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    return InputError(f"cannot write to {folder} ({why}): give another folder with -o, or make room")


def check_place(path: Path) -> None:
    """Refuse a place that takes no file; its folder is made.

    Raises:
        InputError: it is a folder, or lies in one that cannot be made or written.
    """
    with _told(path.parent):
        if path.is_dir():
            raise InputError(f"{path}: is a folder; give the file to write with -o")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + DRAFT)
        draft.touch()
        draft.unlink()


def write_whole(path: Path, text: str) -> None:
    """Write a file, whole or not at all; its folder is made.

    Raises:
        InputError: the folder cannot be made or written.
    """
    with _told(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + DRAFT)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(folder, error) from None
