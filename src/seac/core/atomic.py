"""Atomic file writes, and an early check that a path can be written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seac.core.errors import InputError

TEMPORARY_SUFFIX = ".seac-draft"


def write_error(folder: Path, error: OSError) -> InputError:
    """The one-line error for a folder that cannot be written."""
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return InputError(f"cannot write to {folder} ({reason}): give another folder with -o, or free disk space")


@contextmanager
def discard_new_folders(folder: Path) -> Iterator[Callable[[], None]]:
    """Remove ``folder`` and its parents after the block, if the block created them and they are empty.

    Yields:
        a function that cancels the removal.
    """
    created = []
    for parent in (folder, *folder.parents):
        if os.path.lexists(parent):
            break
        created.append(parent)
    try:
        yield created.clear
    finally:
        with suppress(OSError):
            for parent in created:
                parent.rmdir()


def may_replace_any(path: Path) -> bool:
    """True: any existing file may be replaced."""
    return True


def ensure_writable(path: Path, may_replace: Callable[[Path], bool] = may_replace_any) -> None:
    """Check that a file can be written at ``path`` and that an existing file there may be replaced.

    Args:
        path: the file to write; its folder need not exist and is not created.
        may_replace: whether an existing file was written by seac, judged by its content.

    Raises:
        InputError: ``path`` is a folder, a link or a file of another origin, or its folder is not writable.
    """
    with _os_errors_as_input_errors(path.parent), discard_new_folders(path.parent):
        if path.is_dir():
            raise InputError(f"{path}: is a folder; give the file to write with -o")
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file() or not may_replace(path)):
            raise InputError(f"{path}: exists already and was not written by seac; give another file with -o")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        temporary.touch()
        temporary.unlink()


def sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk; without effect where that is not possible."""
    with suppress(OSError):  # folders cannot be opened on Windows, and some file systems flush nothing
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def replace_durably(temporary: Path, path: Path) -> None:
    """Rename a complete file over another so that after a power loss one of the two is there, and whole.

    The content is flushed before the rename, and the rename before the return.
    """
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8, by way of a temporary file; its folder is created.

    Raises:
        InputError: the folder cannot be created or written.
    """
    with _os_errors_as_input_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        replace_durably(temporary, path)


@contextmanager
def _os_errors_as_input_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(folder, error) from None
