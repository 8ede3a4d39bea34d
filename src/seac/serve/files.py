"""Files of a result folder that clients may read: regular files inside it; links are not followed."""

from __future__ import annotations

import mimetypes
import os
import stat
from pathlib import Path

PREVIEW = "preview.jpg"
"""Latest key frame with its masks, while a job runs."""
EXPORTS = "exports"
"""Folder of the formats that were made later."""
BINARY = "application/octet-stream"
MAX_LISTED = 1000
"""Files that are listed; a format may write one for each frame."""
TYPES: dict[str, str] = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "application/x-subrip; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".otio": "application/json",
    ".edl": "text/plain; charset=utf-8",
    ".zip": "application/zip",
    ".parquet": "application/vnd.apache.parquet",
}
"""Types by suffix; the table of the system differs between machines."""


def type_of(name: str) -> str:
    """The media type of a file by its suffix."""
    suffix = Path(name).suffix.lower()
    return TYPES.get(suffix) or mimetypes.types_map.get(suffix, BINARY)


def list_files(folder: Path) -> list[tuple[str, int]]:
    """Path and bytes of the files of a folder, in order; hidden ones and links are left out."""
    found: list[tuple[str, int]] = []
    for root, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root) / name
            if not name.startswith(".") and _is_regular(path):
                found.append((path.relative_to(folder).as_posix(), path.stat().st_size))
                if len(found) == MAX_LISTED:
                    return found
    return found


def find_file(folder: Path, name: str) -> Path | None:
    """The file of a path in a folder; None if there is none, or a part of the path is hidden or a link.

    Args:
        folder: a result folder.
        name: path with ``/``, as a client gives it.
    """
    parts = name.split("/")
    if any(not part or part.startswith(".") or "\\" in part or not part.isprintable() for part in parts):
        return None
    path = folder
    try:
        for part in parts[:-1]:
            path = path / part
            if not stat.S_ISDIR(path.lstat().st_mode):
                return None
        path = path / parts[-1]
        return path if _is_regular(path) else None
    except (OSError, ValueError):
        return None


def _is_regular(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)
