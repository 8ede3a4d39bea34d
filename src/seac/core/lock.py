"""Locks of files and folders between processes; the libraries of the system are imported on use.

A lock works across machines and containers that share a disk, a process id does not. It ends with its
process, however that ends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def acquire(path: Path, *, wait: bool = False) -> int | None:
    """Lock an existing file or folder; a handle for :func:`release`, or None if it is not free.

    On Windows only files can be locked; for folders the answer is None.

    Args:
        path: an existing file or folder.
        wait: whether to wait until another process releases it.

    Raises:
        OSError: the path cannot be opened.
    """
    if sys.platform == "win32":
        return _acquire_on_windows(path, wait)
    import fcntl

    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # NFS locks files open for writing
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # locked by another process, or the file system has no locks
        os.close(handle)
        return None
    return handle


def _acquire_on_windows(path: Path, wait: bool) -> int | None:
    import msvcrt  # type: ignore[import-not-found,unused-ignore]

    if path.is_dir():
        return None
    handle = os.open(path, os.O_RDWR)
    try:
        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        os.close(handle)
        return None
    return handle


def release(handle: int | None) -> None:
    """Release a lock; without effect for None."""
    if handle is not None:
        os.close(handle)
