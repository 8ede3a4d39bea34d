"""Atomic writing of folders: files are written to a temporary folder and moved at the end."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seac.core.atomic import discard_new_folders, write_error
from seac.core.ownership import LegacyLookup, check_names, move_files, no_legacy_files
from seac.core.result import FrameResult
from seac.export.draw import draw_result
from seac.export.legacy import find_legacy_files
from seac.export.mask_images import MaskImages, save_masks
from seac.export.record import RecordWriter
from seac.export.writer import Clip

PREFIX = ".seac-draft-"
MIN_AGE = 60.0
"""Age in seconds below which a temporary folder is kept, because its process may not have locked it yet."""
LAST_FILES = ("result.json", "manifest.json")
"""Files that are moved last: if they exist, the other files are complete."""
UNWRITABLE_ERRORS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EFBIG, errno.EIO, errno.EPERM),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP),
}
RESULT_FILES = ("result.json", "overlay.png", "heatmap.png", *MaskImages.files)
"""What :func:`save_result` writes."""


@contextmanager
def atomic_folder(
    folder: Path,
    names: Iterable[str] = (),
    inputs: Sequence[Path | None] = (),
    legacy: LegacyLookup = no_legacy_files,
    provenance: Any = None,
    *,
    adds: bool = False,
) -> Iterator[Path]:
    """Yield a temporary folder whose content is moved into ``folder`` if the block succeeds, else removed.

    Files of the same name in ``folder`` are replaced if its record lists them; other files stay. Temporary
    folders of killed processes are removed. If the block fails and ``folder`` did not exist, it is removed.

    Args:
        folder: the destination.
        names: names to be written, see :func:`seac.core.ownership.check_names`; checked before the block.
        inputs: files that the run reads; they are never replaced.
        legacy: finds files of earlier versions in a folder without a record.
        provenance: settings and inputs of the content, for the record.
        adds: whether the content belongs to that of the last run; its provenance is then kept.

    Raises:
        InputError: the folder cannot be created or written, the disk is full, or a file of one of these names
            was not written by seac.
    """
    check_names(folder, names, inputs, legacy)
    with discard_new_folders(folder) as keep:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _remove_stale_folders(folder)
            temporary = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
        except OSError as error:
            raise write_error(folder, error) from None
        try:
            with _lock_folder(temporary):
                yield temporary
            move_files(
                temporary,
                folder,
                inputs=inputs,
                legacy=legacy,
                provenance=provenance,
                last=LAST_FILES,
                adds=adds,
            )
            keep()
        except OSError as error:
            if error.errno in UNWRITABLE_ERRORS:
                raise write_error(folder, error) from None
            raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _remove_stale_folders(folder: Path) -> None:
    """Remove temporary folders that no process has locked; their processes were killed."""
    for temporary in folder.glob(f"{PREFIX}*"):
        with suppress(OSError), _lock_folder(temporary) as free:
            if free and time.time() - temporary.stat().st_mtime > MIN_AGE:
                shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _lock_folder(folder: Path) -> Iterator[bool]:
    """Lock a folder during the block; yields whether the lock was acquired.

    A file lock works across machines and containers that share a disk, a process id does not. On Windows no
    lock is acquired.
    """
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except OSError:
            free = False
        yield free
    finally:
        os.close(handle)


def save_result(result: FrameResult, folder: Path) -> Path:
    """Write one result: ``result.json``, ``overlay.png``, ``heatmap.png`` and ``masks/000000.png``.

    Raises:
        InputError: the folder cannot be written, or holds other files of these names.
    """
    with atomic_folder(folder, RESULT_FILES, legacy=find_legacy_files) as temporary:
        clip = Clip(Path("frame"), None, 1.0, {})
        record = RecordWriter(temporary, clip)
        record.add(result)
        record.close()
        save_masks(result, temporary)
        Image.fromarray(draw_result(result)).save(temporary / "overlay.png")
        Image.fromarray(np.round(result.heatmap * 255).astype(np.uint8)).save(temporary / "heatmap.png")
    return folder
