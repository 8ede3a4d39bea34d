"""Table of benchmarks: a layout is a module here and a row in this table."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from seac.core.errors import InputError, unknown
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
        raise InputError(f"{name} has no ground truth to score: give {WITHOUT_TRUTH[name]}")
    known = (*(row for row in READERS if row not in WITHOUT_TRUTH), *more)
    if name not in known:
        raise InputError(unknown("benchmark", name, known))


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
    if name not in READERS:
        raise InputError(unknown("benchmark", name, tuple(READERS)))
    module, member = READERS[name].split(":")
    layout: Any = getattr(import_module(module), member)
    reader: Reader = layout(folder, split, strict=strict)
    return reader
