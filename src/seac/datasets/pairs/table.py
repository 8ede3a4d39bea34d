"""Table of formats of training data: a format is a function and a row in this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from seac.core.errors import InputError, unknown
from seac.datasets.csv_file import read_rows
from seac.datasets.pairs.folders import LIST, files_in
from seac.datasets.pairs.pair import Pair
from seac.media.sources import IMAGE_SUFFIXES, VIDEO_SUFFIXES


@dataclass(frozen=True)
class SourceFormat:
    """A format of training data.

    Attributes:
        pairs: "module:function"; the function takes (folder, split).
        marker: name of the file that identifies a folder of this format, or None.
        fixed: whether the excerpts are fixed at 5 s and one frame per second.
    """

    pairs: str
    marker: str | None = None
    fixed: bool = False


FORMATS: dict[str, SourceFormat] = {
    "s4": SourceFormat("seac.datasets.pairs.benchmarks:s4", "s4_meta_data.csv", fixed=True),
    "ms3": SourceFormat("seac.datasets.pairs.benchmarks:ms3", "ms3_meta_data.csv", fixed=True),
    "avss": SourceFormat("seac.datasets.pairs.benchmarks:avss", "metadata.csv", fixed=True),
    "vggsound": SourceFormat("seac.datasets.pairs.benchmarks:vggsound", "vggsound.csv"),
    "videos": SourceFormat("seac.datasets.pairs.folders:videos"),
    "pairs": SourceFormat("seac.datasets.pairs.folders:image_audio_pairs", LIST),
}

AUTO = "auto"


def find_pairs(folder: Path, kind: str = AUTO, split: str = "train") -> tuple[str, list[Pair]]:
    """The format of a folder and its training pairs; only metadata is read.

    Args:
        folder: a folder of a format in :data:`FORMATS`, or a CSV of images and audio files.
        kind: a row of the table, or "auto".
        split: "train", "val", "test" or "all", for benchmarks.

    Raises:
        InputError: an unknown folder, format or split, no pairs, or malformed metadata.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; give videos, a benchmark, or images with audio files")
    if kind != AUTO and kind not in FORMATS:
        raise InputError(unknown("kind", kind, (AUTO, *FORMATS)))
    kind = detect_format(folder) if kind == AUTO else kind
    module, member = FORMATS[kind].pairs.split(":")
    function: Callable[[Path, str], list[Pair]] = getattr(import_module(module), member)
    return kind, function(folder, split)


def detect_format(folder: Path) -> str:
    """The format of a folder, by its marker file, else by the suffixes of its files.

    Raises:
        InputError: several formats match.
    """
    if folder.is_file():
        return "pairs"
    matches = [name for name, kind in FORMATS.items() if kind.marker and (folder / kind.marker).is_file()]
    if len(matches) > 1:
        raise InputError(f"{folder}: could be {' or '.join(matches)}; choose one with --kind")
    if matches:
        return matches[0]
    suffixes = {path.suffix.lower() for path in files_in(folder)}
    video_suffixes, image_suffixes = suffixes & VIDEO_SUFFIXES, suffixes & IMAGE_SUFFIXES
    if video_suffixes and image_suffixes:
        raise InputError(f"{folder}: holds videos and images; give --kind videos or --kind pairs")
    return "pairs" if image_suffixes else "videos"


def read_excluded(path: Path) -> frozenset[str]:
    """Read the first column of an exclusion list: ids of clips, or of videos whose clips are all excluded.

    Raises:
        InputError: the file cannot be read, or is empty.
    """
    found = frozenset(fields[0] for _, fields in read_rows(path) if not fields[0].startswith("#"))
    if not found:
        raise InputError(f"{path}: names no clip; give a file with one id per line")
    return found


def exclude_pairs(pairs: list[Pair], names: frozenset[str]) -> list[Pair]:
    """Remove the pairs that ``names`` excludes; see :func:`pair_names`."""
    return [pair for pair in pairs if names.isdisjoint(pair_names(pair))]


def pair_names(pair: Pair) -> set[str]:
    """The names by which a pair can be excluded: its id with and without the format, its clip, its video."""
    name = pair.id.partition("/")[2]
    parent_name, _, number = name.rpartition("/")
    return {pair.id, name, pair.video_id} | ({parent_name} if parent_name and number.isdigit() else set())
