"""Folders that are whole or not there: files are made aside and moved in at the end."""

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

from seac.core.atomic import removed_unless_kept, write_error
from seac.core.ownership import Earlier, check_names, move_in, nothing_earlier
from seac.core.result import FrameResult
from seac.export.draw import draw_result
from seac.export.legacy import written_earlier
from seac.export.mask_images import MaskImages
from seac.export.record import RecordWriter
from seac.export.writer import Clip

PREFIX = ".seac-draft-"
YOUNG = 60.0
"""Seconds for which a draft is left alone, as it may not be held yet."""
RECORD = "result.json"
"""Moved in last: where there is one, what is beside it was moved in before."""
UNWRITABLE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EFBIG, errno.EIO, errno.EPERM),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP),
}
SAVED = ("result.json", "overlay.png", "heatmap.png", *MaskImages.files)
"""What :func:`save_result` writes."""


@contextmanager
def atomic_folder(
    folder: Path,
    names: Iterable[str] = (),
    inputs: Sequence[Path | None] = (),
    earlier: Earlier = nothing_earlier,
    provenance: Any = None,
) -> Iterator[Path]:
    """A temporary folder whose content is moved into ``folder`` if the block ends well, else removed.

    Files of the same name in ``folder`` are replaced if its record says that seac wrote them; others stay,
    but for temporary folders of processes that were killed before they could remove them. A block that
    fails leaves no folder that was not there before.

    Args:
        folder: where to.
        names: what will be written, see :func:`seac.core.ownership.check_names`; checked before the block.
        inputs: files that are read, and never replaced.
        earlier: which files of a folder without a record an earlier version wrote.
        provenance: what the content is made of, for the record.

    Raises:
        InputError: the folder cannot be made or written, the disk is full, or what is there under these names
            is not ours.
    """
    check_names(folder, names, inputs, earlier)
    with removed_unless_kept(folder) as keep:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
            temporary = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
        except OSError as error:
            raise write_error(folder, error) from None
        try:
            with _lock_folder(temporary):
                yield temporary
            move_in(temporary, folder, inputs=inputs, earlier=earlier, provenance=provenance, last=RECORD)
            keep()
        except OSError as error:
            if error.errno in UNWRITABLE:
                raise write_error(folder, error) from None
            raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove drafts that nobody holds: whoever made them was killed."""
    for temporary in folder.glob(f"{PREFIX}*"):
        with suppress(OSError), _lock_folder(temporary) as free:
            if free and time.time() - temporary.stat().st_mtime > YOUNG:
                shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _lock_folder(folder: Path) -> Iterator[bool]:
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


def save_result(result: FrameResult, folder: Path) -> Path:
    """Write one result: ``result.json``, ``overlay.png``, ``heatmap.png`` and ``masks/000000.png``.

    Raises:
        InputError: the folder cannot be written, or holds other files of these names.
    """
    with atomic_folder(folder, SAVED, earlier=written_earlier) as temporary:
        clip = Clip(Path("frame"), None, 1.0, {})
        for writer in (RecordWriter(temporary, clip), MaskImages(temporary, clip)):
            writer.add(result)
            writer.close()
        Image.fromarray(draw_result(result)).save(temporary / "overlay.png")
        Image.fromarray(np.round(result.heatmap * 255).astype(np.uint8)).save(temporary / "heatmap.png")
    return folder
