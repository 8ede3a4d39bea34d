"""Atomic writing of folders: files are written to a temporary folder and moved at the end."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seac.core.atomic import discard_new_folders, write_error
from seac.core.lock import acquire, release
from seac.core.ownership import LegacyLookup, check_names, move_files, no_legacy_files
from seac.core.result import FrameResult
from seac.export.draw import draw_result
from seac.export.legacy import find_legacy_files
from seac.export.mask_images import MaskImages, save_masks
from seac.export.record import RecordWriter
from seac.export.writer import Clip

PREFIX = ".seac-draft-"
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
            with _lock_folder(folder, wait=True):
                _remove_stale_folders(folder)
                temporary = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
                lock = ExitStack()
                lock.enter_context(_lock_folder(temporary))
        except OSError as error:
            raise write_error(folder, error) from None
        try:
            yield temporary
            with _lock_folder(folder, wait=True):  # of two processes, one moves its files after the other
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
            lock.close()


def remove_stale_folders(folder: Path) -> None:
    """Remove what killed processes left in a result folder; without effect where it cannot be written."""
    with suppress(OSError), _lock_folder(folder, wait=True):
        _remove_stale_folders(folder)


def _remove_stale_folders(folder: Path) -> None:
    """Remove temporary folders that no process has locked, under the lock of ``folder``.

    Temporary folders are made and locked under that lock, so that a free one is that of a killed process.
    """
    for temporary in folder.glob(f"{PREFIX}*"):
        with suppress(OSError), _lock_folder(temporary) as free:
            if free:
                shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _lock_folder(folder: Path, *, wait: bool = False) -> Iterator[bool]:
    """Lock a folder during the block; yields whether the lock was acquired, see :mod:`seac.core.lock`."""
    handle = acquire(folder, wait=wait)
    try:
        yield handle is not None
    finally:
        release(handle)


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
