"""Training pairs from anybody's folders: videos, and pictures with sounds."""

from __future__ import annotations

import os
from pathlib import Path

from seac.core.errors import InputError
from seac.datasets.csv_file import read_table
from seac.datasets.layout import video_id_of
from seac.datasets.pairs.pair import ImageAudioPair, Pair, VideoPair
from seac.media.sources import AUDIO_SUFFIXES, IMAGE_SUFFIXES, VIDEOS

LIST = "pairs.csv"


def videos(folder: Path, split: str) -> list[Pair]:
    """Every video in a folder and the folders in it, in order of path; ``split`` has no meaning here.

    Raises:
        InputError: there is none.
    """
    found: list[Pair] = [
        VideoPair(f"videos/{path.relative_to(folder).as_posix()}", video_id_of(path.stem), None, path)
        for path in files_in(folder)
        if path.suffix.lower() in VIDEOS
    ]
    if not found:
        raise InputError(f"{folder}: holds no video; give another folder")
    return found


def image_audio_pairs(folder: Path, split: str) -> list[Pair]:
    """Pictures with sounds: those that ``pairs.csv`` lists, else those of the same name; no split here.

    Raises:
        InputError: there is none.
    """
    path = folder if folder.is_file() else folder / LIST
    found = read_list(path) if path.is_file() else of_same_name(folder)
    if not found:
        raise InputError(f"{folder}: holds no picture with a sound of the same name, and no {LIST}")
    return found


def read_list(path: Path) -> list[Pair]:
    """The pairs of a csv with columns image, sound and perhaps id and label; paths start at its folder.

    Raises:
        InputError: not such a csv, or an id that is there twice.
    """
    found: dict[str, Pair] = {}
    for row in read_table(path, ("image", "audio")):
        name = row.get("id") or Path(row["image"]).with_suffix("").as_posix()
        if name in found:
            raise InputError(f"{path}: two lines are called {name!r}; give them different ids")
        image, audio = path.parent / row["image"], path.parent / row["audio"]
        found[name] = ImageAudioPair(
            f"pairs/{name}", video_id_of(name), row.get("label") or None, image, audio
        )
    return list(found.values())


def of_same_name(folder: Path) -> list[Pair]:
    """Pictures that have a sound of the same name beside them, in order of path."""
    paths = files_in(folder)
    audio_files = {path.with_suffix(""): path for path in paths if path.suffix.lower() in AUDIO_SUFFIXES}
    found: dict[str, Pair] = {}
    for path in paths:
        stem = path.with_suffix("")
        if path.suffix.lower() in IMAGE_SUFFIXES and stem in audio_files:
            name = stem.relative_to(folder).as_posix()
            found.setdefault(name, ImageAudioPair(f"pairs/{name}", path.stem, None, path, audio_files[stem]))
    return list(found.values())


def files_in(folder: Path) -> list[Path]:
    """Files in a folder and the folders in it, hidden ones left out, in order of path."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(found)
