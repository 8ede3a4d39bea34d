"""Functions shared by all benchmark layouts: metadata files, ids, splits, file lookup."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from seac.core.errors import InputError, unknown

WHOLE_CLIP = (0.0, float("inf"))
"""Audio window in seconds of benchmarks that evaluate a frame with the whole clip."""

ALL = "all"
"""Name of the union of all splits."""

_YOUTUBE = re.compile(r"([A-Za-z0-9_-]{10}[AEIMQUYcgkosw048])(?:_\d+)*\Z")
"""A YouTube id of 11 characters; the last character holds 4 bits, so only 16 characters are valid there."""

_ID = re.compile(r"""(?!\.\.?\Z)[^/\\"\x00-\x1f]{1,200}\Z""")
"""A valid id: one component of a path."""

_MAX_FOLDERS = 500
"""Maximum number of folders searched for a metadata file that is in another folder."""


def parse_video_id(clip_id: str) -> str:
    """The id of the source video of a clip: ``<YouTube id>_<start>[_<end>]`` without its times.

    An id of another form is returned unchanged.

    Example:
        >>> parse_video_id("MKC9LvRivTM_000030"), parse_video_id("french_horn_0016")
        ('MKC9LvRivTM', 'french_horn_0016')
    """
    match = _YOUTUBE.match(clip_id)
    return match[1] if match else clip_id


def is_youtube_id(name: str) -> bool:
    """Whether a name is the id of a YouTube video, without times."""
    match = _YOUTUBE.match(name)
    return match is not None and match[1] == name


def validate_id(name: str, where: str) -> str:
    """``name``, checked to be a valid file name.

    Raises:
        InputError: ``name`` is empty, or holds slashes, quotation marks or control characters.
    """
    if not _ID.match(name):
        raise InputError(f"{where}: {name[:60]!r} cannot be an id; give a name without slashes")
    return name


def find_metadata_file(folder: Path, name: str, benchmark: str) -> Path:
    """The path ``folder/name``, or ``folder/metadata/name`` as in some releases.

    Raises:
        InputError: neither exists; the message names a parent or subfolder that holds the file.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; give the one that holds {name}")
    found = next((path for path in (folder / name, folder / "metadata" / name) if path.exists()), None)
    if found is not None:
        return found
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give the folder that holds {name}")
    elsewhere = _find_nearby(folder.resolve(), name)
    if elsewhere is not None:
        raise InputError(f"{folder}: no {name} here, but in {elsewhere}; give that folder for {benchmark}")
    raise InputError(f"{folder}: no {name}; give the folder of {benchmark} that holds it")


def find_root(metadata: Path) -> Path:
    """The folder of frames and audio: the folder of the metadata file, or the parent of ``metadata/``."""
    folder = metadata.parent
    separate = folder.name == "metadata" and not any(entry.is_dir() for entry in folder.iterdir())
    return folder.parent if separate else folder


def validate_split(split: str, known: Sequence[str]) -> str:
    """``split``, checked to be one of ``known`` or "all".

    Raises:
        InputError: an unknown split.
    """
    if split not in {*known, ALL}:
        raise InputError(unknown("split", split, (*known, ALL)))
    return split


def check_duplicates(ids: Iterable[tuple[str, str]], path: Path) -> None:
    """Check that (split, id) pairs are unique.

    Raises:
        InputError: some are not; the message names the first three.
    """
    duplicates = [id_ for (_, id_), count in Counter(ids).items() if count > 1]
    if duplicates:
        more = f" and {len(duplicates) - 3} more" if len(duplicates) > 3 else ""
        raise InputError(
            f"{path}: {len(duplicates)} duplicated id{'s' * (len(duplicates) > 1)}: "
            f"{', '.join(duplicates[:3])}{more}; list each clip once"
        )


def list_names(folder: Path) -> frozenset[str]:
    """The names in a folder; empty if the folder does not exist."""
    try:
        return frozenset(entry.name for entry in folder.iterdir())
    except OSError:
        return frozenset()


def resolve_file(folder: Path, stem: str, suffixes: Sequence[str], names: frozenset[str]) -> Path:
    """The path of ``stem`` in ``folder`` with the first suffix for which the file is in ``names``.

    A missing file gets the first suffix; opening the path raises the error.
    """
    suffix = next((s for s in suffixes if stem + s in names), suffixes[0])
    return folder / (stem + suffix)


FolderIndex = tuple[Path, frozenset[str]]
"""A folder and the names in it."""


def index_folders(root: Path, folders: Sequence[str]) -> list[FolderIndex]:
    """The folders to search for a file, in order of preference, with their names listed."""
    return [(root / folder, list_names(root / folder)) for folder in folders]


def find_file(stem: str, among: Sequence[FolderIndex], suffixes: Sequence[str]) -> Path:
    """The file in the first folder that has it; else its path in the first folder that is not empty."""
    for folder, names in among:
        found = resolve_file(folder, stem, suffixes, names)
        if found.name in names:
            return found
    folder, names = next((index for index in among if index[1]), among[0])
    return resolve_file(folder, stem, suffixes, names)


def _find_nearby(folder: Path, name: str) -> Path | None:
    for above in islice(folder.parents, 3):
        if (above / name).exists():
            return above
    level = [folder]
    for _ in range(3):
        level = [below for parent in level for below in _folders(parent)][:_MAX_FOLDERS]
        for below in level:
            if (below / name).exists():
                return below
    return None


def _folders(parent: Path) -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            return sorted(Path(e.path) for e in islice(entries, _MAX_FOLDERS) if e.is_dir())
    except OSError:
        return []
