"""Folders that are whole or not there: files are made aside and moved in at the end."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image

from seac.core.atomic import unwritable
from seac.core.result import Result
from seac.export.draw import draw
from seac.export.mask_images import MaskImages
from seac.export.record import RecordWriter
from seac.export.writer import Clip

PREFIX = ".seac-draft-"
YOUNG = 60.0
"""Seconds for which a draft is left alone, as it may not be held yet."""
RECORD = "result.json"
"""Moved in last: where there is one, what is beside it was moved in before."""


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder whose content is moved into ``folder`` if the block ends well, else removed.

    Things of the same name in ``folder`` are replaced; others stay, but for drafts of processes that were
    killed before they could remove them.

    Raises:
        InputError: the folder cannot be made or written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        draft = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
        with _held(draft):
            yield draft
        for item in sorted(draft.iterdir(), key=lambda item: (item.name == RECORD, item.name)):
            target = folder / item.name
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            item.replace(target)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EFBIG, errno.EIO}:
            raise unwritable(folder, error) from None
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove drafts that nobody holds: whoever made them was killed."""
    for draft in folder.glob(f"{PREFIX}*"):
        with suppress(OSError), _held(draft) as free:
            if free and time.time() - draft.stat().st_mtime > YOUNG:
                shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder while the block, or its process, lasts; the answer is whether nobody else does.

    A lock, not the id of a process: another machine, or another container, may write to the same place.
    Where there are no locks every folder counts as held.
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


def save_result(result: Result, folder: Path) -> Path:
    """Write one result: ``result.json``, ``overlay.png``, ``heatmap.png`` and ``masks/000000.png``.

    Raises:
        InputError: the folder cannot be written.
    """
    with whole_folder(folder) as draft:
        clip = Clip(Path("frame"), None, 1.0, {})
        for writer in (RecordWriter(draft, clip), MaskImages(draft, clip)):
            writer.add(result)
            writer.close()
        Image.fromarray(draw(result)).save(draft / "overlay.png")
        Image.fromarray(np.round(result.heatmap * 255).astype(np.uint8)).save(draft / "heatmap.png")
    return folder
