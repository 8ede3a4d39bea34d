"""Kinds of training data by name: a kind is a function and a row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from seac.core.errors import InputError, unknown
from seac.datasets.csv_file import read_rows
from seac.datasets.pairs.folders import LIST, files_in
from seac.datasets.pairs.pair import Pair
from seac.media.sources import IMAGE_SUFFIXES, VIDEOS


@dataclass(frozen=True)
class SourceFormat:
    """A kind of training data.

    Attributes:
        pairs: "module:function" of (folder, split).
        marker: the file by which a folder of this kind is known; None for folders without one.
        fixed: whether its excerpts are cut already, into 5 s of one frame a second.
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
    """The training pairs of a folder, and the kind that it is; only metadata is read.

    Args:
        folder: of a kind in :data:`FORMATS`, or a csv of images and sounds.
        kind: a row of the table, or "auto".
        split: "train", "val", "test" or "all", for benchmarks.

    Raises:
        InputError: no such folder, kind or split; nothing to be found; malformed metadata.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; give one with videos, a benchmark, or images and sounds")
    if kind != AUTO and kind not in FORMATS:
        raise InputError(unknown("kind", kind, (AUTO, *FORMATS)))
    kind = detect_format(folder) if kind == AUTO else kind
    module, member = FORMATS[kind].pairs.split(":")
    function: Callable[[Path, str], list[Pair]] = getattr(import_module(module), member)
    return kind, function(folder, split)


def detect_format(folder: Path) -> str:
    """What a folder holds, by its mark, else by its files.

    Raises:
        InputError: it could be two things.
    """
    if folder.is_file():
        return "pairs"
    marked = [name for name, kind in FORMATS.items() if kind.marker and (folder / kind.marker).is_file()]
    if len(marked) > 1:
        raise InputError(f"{folder}: could be {' or '.join(marked)}; say which with --kind")
    if marked:
        return marked[0]
    suffixes = {path.suffix.lower() for path in files_in(folder)}
    video_suffixes, image_suffixes = suffixes & VIDEOS, suffixes & IMAGE_SUFFIXES
    if video_suffixes and image_suffixes:
        raise InputError(f"{folder}: holds videos and pictures; say --kind videos or --kind pairs")
    return "pairs" if image_suffixes else "videos"


def read_excluded(path: Path) -> frozenset[str]:
    """The first column of a list of ids: of clips, which are left out, or of videos, all of whose clips are.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    found = frozenset(fields[0] for _, fields in read_rows(path) if not fields[0].startswith("#"))
    if not found:
        raise InputError(f"{path}: names no clip; give a file with an id a line")
    return found


def without(pairs: list[Pair], names: frozenset[str]) -> list[Pair]:
    """Pairs whose clip and video are not among ``names``; a clip's name goes with its kind or without."""
    return [pair for pair in pairs if names.isdisjoint(names_of(pair))]


def names_of(pair: Pair) -> set[str]:
    """What an exclusion list can call a pair: its id, with kind or without, whole or cut, or its video."""
    name = pair.id.partition("/")[2]
    parent_name, _, number = name.rpartition("/")
    return {pair.id, name, pair.video_id} | ({parent_name} if parent_name and number.isdigit() else set())
