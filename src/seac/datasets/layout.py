"""What all layouts have in common: where the metadata file lies, what an id may be, which splits exist."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from seac.core.errors import InputError, unknown

WHOLE_CLIP = (0.0, float("inf"))
"""Seconds of sound that a frame is judged with where a benchmark judges it with the whole clip."""

ALL = "all"
"""Every split at once."""

_YOUTUBE = re.compile(r"([A-Za-z0-9_-]{10}[AEIMQUYcgkosw048])(?:_\d+)*\Z")
"""An id of 11 characters; the last holds only 4 bits of the 64, so only 16 characters can stand there."""

_ID = re.compile(r"""(?!\.\.?\Z)[^/\\"\x00-\x1f]{1,200}\Z""")
"""What a file's name may be: one step of a path."""

_LOOKED_AT = 500
"""Folders that are looked into, at most, for a metadata file that is not where it should be."""


def video_id_of(clip_id: str) -> str:
    """The video that a clip is cut from: ``<YouTube id>_<start>[_<end>]`` without its times.

    An id of another form is its own video.

    Example:
        >>> video_id_of("MKC9LvRivTM_000030"), video_id_of("french_horn_0016")
        ('MKC9LvRivTM', 'french_horn_0016')
    """
    match = _YOUTUBE.match(clip_id)
    return match[1] if match else clip_id


def is_youtube_id(name: str) -> bool:
    """Whether a name is the id of a YouTube video, without times."""
    match = _YOUTUBE.match(name)
    return match is not None and match[1] == name


def checked_id(name: str, where: str) -> str:
    """``name``, once it can be a file's name.

    Raises:
        InputError: it is empty, leads into another folder or holds control characters.
    """
    if not _ID.match(name):
        raise InputError(f"{where}: {name[:60]!r} cannot be an id; give a name without slashes")
    return name


def metadata_file(folder: Path, name: str, benchmark: str) -> Path:
    """``folder/name``, or ``folder/metadata/name``, as some releases have it.

    Raises:
        InputError: it is not; the line says where it was found instead, above or below.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; give the one that holds {name}")
    found = next((path for path in (folder / name, folder / "metadata" / name) if path.exists()), None)
    if found is not None:
        return found
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give the folder that holds {name}")
    elsewhere = _elsewhere(folder.resolve(), name)
    if elsewhere is not None:
        raise InputError(f"{folder}: no {name} here, but in {elsewhere}; give that folder for {benchmark}")
    raise InputError(f"{folder}: no {name}; give the folder of {benchmark} that holds it")


def home_of(metadata: Path) -> Path:
    """The folder that holds frames and sounds: that of the metadata file, or the one above ``metadata/``."""
    folder = metadata.parent
    separate = folder.name == "metadata" and not any(entry.is_dir() for entry in folder.iterdir())
    return folder.parent if separate else folder


def checked_split(split: str, known: Sequence[str]) -> str:
    """``split``, once it is one of ``known`` or "all".

    Raises:
        InputError: it is not.
    """
    if split not in {*known, ALL}:
        raise InputError(unknown("split", split, (*known, ALL)))
    return split


def refuse_duplicates(ids: Iterable[tuple[str, str]], path: Path) -> None:
    """Refuse (split, id) pairs that occur more than once.

    Raises:
        InputError: some do; the line names the first.
    """
    twice = [id_ for (_, id_), count in Counter(ids).items() if count > 1]
    if twice:
        more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
        raise InputError(
            f"{path}: {len(twice)} duplicated id{'s' * (len(twice) > 1)}: {', '.join(twice[:3])}{more}; "
            "list each clip once"
        )


def listing(folder: Path) -> frozenset[str]:
    """Names of the files in a folder, from one look at it; empty where there is no folder."""
    try:
        return frozenset(entry.name for entry in folder.iterdir())
    except OSError:
        return frozenset()


def pick(folder: Path, stem: str, suffixes: Sequence[str], names: frozenset[str]) -> Path:
    """The file ``stem`` of ``folder`` with the first suffix that is in ``names``; else with the first suffix.

    A missing file thus keeps the name it should have, and opening it says so.
    """
    suffix = next((s for s in suffixes if stem + s in names), suffixes[0])
    return folder / (stem + suffix)


Shelf = tuple[Path, frozenset[str]]
"""A folder and the names of the files in it."""


def shelves(root: Path, folders: Sequence[str]) -> list[Shelf]:
    """Folders in which a file may lie, best first, each looked at once."""
    return [(root / folder, listing(root / folder)) for folder in folders]


def on_shelf(stem: str, among: Sequence[Shelf], suffixes: Sequence[str]) -> Path:
    """The file in the first folder that has it; else its place in the first folder that is not empty."""
    for folder, names in among:
        found = pick(folder, stem, suffixes, names)
        if found.name in names:
            return found
    folder, names = next((shelf for shelf in among if shelf[1]), among[0])
    return pick(folder, stem, suffixes, names)


def _elsewhere(folder: Path, name: str) -> Path | None:
    for above in islice(folder.parents, 3):
        if (above / name).exists():
            return above
    level = [folder]
    for _ in range(3):
        level = [below for parent in level for below in _folders(parent)][:_LOOKED_AT]
        for below in level:
            if (below / name).exists():
                return below
    return None


def _folders(parent: Path) -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            return sorted(Path(e.path) for e in islice(entries, _LOOKED_AT) if e.is_dir())
    except OSError:
        return []
