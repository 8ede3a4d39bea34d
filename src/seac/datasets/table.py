"""Benchmarks by name: a layout is one file and one row, or an entry point of another package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seac.core.errors import InputError, unknown
from seac.core.registry import locate, rows

if TYPE_CHECKING:
    from seac.datasets.clip import Reader

READERS: dict[str, str] = {
    "s4": "seac.datasets.avsbench_s4:S4",
    "ms3": "seac.datasets.avsbench_ms3:MS3",
    "avss": "seac.datasets.avsbench_semantic:AVSS",
    "vggss": "seac.datasets.vggss:VGGSS",
    "vggss-extended": "seac.datasets.extended_vggss:ExtendedVGGSS",
    "flickr-soundnet": "seac.datasets.flickr_soundnet:FlickrSoundNet",
    "vggsound": "seac.datasets.vggsound:VGGSound",
}
WITHOUT_TRUTH: dict[str, str] = {"vggsound": "vggss, which has boxes"}
"""Benchmarks without ground truth, and the benchmark to score in their place."""


def check_scored(name: str, *more: str) -> None:
    """Check that a benchmark has ground truth.

    Args:
        name: name of the benchmark.
        more: other valid names.

    Raises:
        InputError: the benchmark has no ground truth, or is unknown.
    """
    if name in WITHOUT_TRUTH:
        raise InputError(f"{name} has no ground truth to score: take {WITHOUT_TRUTH[name]}")
    known = (*(row for row in rows("benchmark", READERS) if row not in WITHOUT_TRUTH), *more)
    if name not in known:
        raise InputError(unknown("benchmark", name, known))


def reader_class(name: str) -> Any:
    """The class that reads a benchmark.

    Raises:
        InputError: no such benchmark, or one of another package that cannot be imported.
    """
    return locate("benchmark", name, READERS)


def open_benchmark(name: str, folder: Path, split: str = "test", *, strict: bool = True) -> Reader:
    """Open a benchmark; only its metadata file is read.

    Args:
        name: a row of :data:`READERS`.
        folder: the folder of the metadata file.
        split: "train", "val", "test" or "all", if the benchmark has it.
        strict: refuse duplicated ids.

    Raises:
        InputError: an unknown benchmark, folder or split, or a missing or malformed metadata file.
    """
    layout = reader_class(name)
    reader: Reader = layout(folder, split, strict=strict)
    return reader
