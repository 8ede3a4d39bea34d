"""Folders that are whole or not there: files are made aside and moved in at the end."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from seac.export.mask_images import MaskImages
from seac.export.record import RecordWriter
from seac.export.sink import Clip
from seac.export.whole_file import unwritable
from seac.result import Result
from seac.video.drawing import draw

PREFIX = ".seac-"
"""Of drafts, whose names go on with the id of their process: ``.seac-4711-x1y2z3``."""
DRAFT = re.compile(re.escape(PREFIX) + r"(\d{1,9})-.+")
RECORD = "result.json"
"""Moved in last: a folder that holds one is finished."""


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
        draft = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=folder))
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
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
    """Remove drafts whose process has died."""
    for item in folder.glob(f"{PREFIX}*"):
        named = DRAFT.fullmatch(item.name)
        if named and not _lives(int(named[1])):
            shutil.rmtree(item, ignore_errors=True)


def _lives(process: int) -> bool:
    if os.name != "posix":  # elsewhere there is no signal that only asks
        return True
    try:
        os.kill(process, 0)
    except OSError as error:
        return error.errno != errno.ESRCH  # else it is somebody else's
    return True


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
