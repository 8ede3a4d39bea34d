"""Files that are whole or not there, in places that are tried before the work whose outcome they hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seac.core.errors import InputError

TEMPORARY_SUFFIX = ".seac-draft"


def write_error(folder: Path, error: OSError) -> InputError:
    """One line for a folder that takes no files."""
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    return InputError(f"cannot write to {folder} ({why}): give another folder with -o, or make room")


@contextmanager
def removed_unless_kept(folder: Path) -> Iterator[Callable[[], None]]:
    """Remove ``folder`` and those above it after the block, if the block made them and they are empty.

    Yields:
        a function that says that they shall stay.
    """
    made = []
    for each in (folder, *folder.parents):
        if os.path.lexists(each):
            break
        made.append(each)
    try:
        yield made.clear
    finally:
        with suppress(OSError):
            for each in made:
                each.rmdir()


def anything(path: Path) -> bool:
    """Whatever is there may be replaced."""
    return True


def ensure_writable(path: Path, is_ours: Callable[[Path], bool] = anything) -> None:
    """Refuse a place that takes no file, or holds one that is not to be replaced.

    Args:
        path: the file to write; its folder need not be there, and is not made.
        is_ours: whether a file that is there was written by seac, which its content must show.

    Raises:
        InputError: it is a folder or a link, holds another file, or lies where nothing can be written.
    """
    with _reported(path.parent), removed_unless_kept(path.parent):
        if path.is_dir():
            raise InputError(f"{path}: is a folder; give the file to write with -o")
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file() or not is_ours(path)):
            raise InputError(
                f"{path}: is there already, and seac did not write it; give another file with -o"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        temporary.touch()
        temporary.unlink()


def write_atomic(path: Path, text: str) -> None:
    """Write a file, whole or not at all; its folder is made.

    Raises:
        InputError: the folder cannot be made or written.
    """
    with _reported(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(folder, error) from None
