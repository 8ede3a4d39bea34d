"""Training pairs from folders of videos, or of images with audio files."""

from __future__ import annotations

import os
from pathlib import Path

from seac.core.errors import InputError
from seac.datasets.csv_file import read_table
from seac.datasets.layout import parse_video_id
from seac.datasets.pairs.pair import ImageAudioPair, Pair, VideoPair
from seac.media.sources import AUDIO_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES

LIST = "pairs.csv"


def videos(folder: Path, split: str) -> list[Pair]:
    """All videos in a folder and its subfolders, in order of path; ``split`` is ignored.

    Raises:
        InputError: the folder holds no video.
    """
    found: list[Pair] = [
        VideoPair(f"videos/{path.relative_to(folder).as_posix()}", parse_video_id(path.stem), None, path)
        for path in files_in(folder)
        if path.suffix.lower() in VIDEO_SUFFIXES
    ]
    if not found:
        raise InputError(f"{folder}: holds no video; give another folder")
    return found


def image_audio_pairs(folder: Path, split: str) -> list[Pair]:
    """Images with audio, paired by ``pairs.csv`` or else by file name; ``split`` is ignored.

    Raises:
        InputError: there is no pair.
    """
    path = folder if folder.is_file() else folder / LIST
    found = read_list(path) if path.is_file() else match_by_name(folder)
    if not found:
        raise InputError(
            f"{folder}: holds no image with an audio file of the same name, and no {LIST}; "
            "give another folder"
        )
    return found


def read_list(path: Path) -> list[Pair]:
    """Read pairs from a CSV with the columns image, audio and optionally id and label.

    Relative paths start at the folder of the CSV.

    Raises:
        InputError: the file is not such a CSV, or an id occurs twice.
    """
    found: dict[str, Pair] = {}
    for row in read_table(path, ("image", "audio")):
        name = row.get("id") or Path(row["image"]).with_suffix("").as_posix()
        if name in found:
            raise InputError(f"{path}: two lines have the id {name!r}; give them different ids")
        image, audio = path.parent / row["image"], path.parent / row["audio"]
        found[name] = ImageAudioPair(
            f"pairs/{name}", parse_video_id(name), row.get("label") or None, image, audio
        )
    return list(found.values())


def match_by_name(folder: Path) -> list[Pair]:
    """Pair images with audio files of the same name in the same folder, in order of path."""
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
    """Files in a folder and its subfolders, without hidden ones, in order of path."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(found)
