"""One worker: reads mutated files in a process of its own, and reports each case on a line of JSON."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.mutate import mutate
from benchmarks.fuzz.readers import READERS, Files
from seac.core.errors import InputError

MEMORY = 2 << 30
"""Bytes of memory that a case may take beyond those of the worker at its start."""


def case_files(reader: str, seeds: list[Files], seed: int, case: int) -> dict[str, bytes]:
    """The mutated files of a case; the same arguments give the same files."""
    rng = np.random.default_rng([seed, sorted(READERS).index(reader), case])
    files = dict(seeds[int(rng.integers(len(seeds)))])
    names = sorted(files)
    chosen = names[int(rng.integers(len(names)))]
    files[chosen] = mutate(chosen, files[chosen], rng)
    repair = READERS[reader].repair
    if repair is not None and rng.random() < 0.8:
        repair(files)
    return files


def write_files(files: Files, folder: Path) -> None:
    """Write the files of a case."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read_case(reader: str, folder: Path, name: str) -> dict[str, Any]:
    """Read a case: its outcome, and the place of an error that is no clean refusal."""
    try:
        READERS[reader].read(folder, name)
    except InputError as error:
        clean = len(str(error)) < 2_000 and str(error).isprintable()
        return (
            {"outcome": "refused"} if clean else {"outcome": "traceback", "place": "long or unprintable line"}
        )
    except MemoryError:
        return {"outcome": "memory", "place": _place()}
    except Exception as error:
        return {
            "outcome": "traceback",
            "place": f"{type(error).__name__} {_place()}",
            "text": str(error)[:200],
        }
    return {"outcome": "ok"}


def _place() -> str:
    """File and line of the innermost frame of seac in the current traceback."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    inner = [frame for frame in frames if f"{os.sep}seac{os.sep}" in frame.filename]
    return f"{Path(inner[-1].filename).name}:{inner[-1].name}" if inner else "outside"


def limit_memory() -> None:
    """Limit the address space to that of now and :data:`MEMORY`."""
    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def warm_up(reader: str, seeds: list[Files]) -> None:
    """Read every seed once, so that libraries are loaded; a seed must be valid.

    Raises:
        RuntimeError: a seed is refused by everything that reads it.
    """
    for files in seeds:
        with tempfile.TemporaryDirectory() as scratch:
            write_files(files, Path(scratch))
            found = read_case(reader, Path(scratch), next(iter(files)))
            if found["outcome"] not in ("ok", "refused"):
                raise RuntimeError(f"{reader}: seed {sorted(files)}: {found}")


def work(reader: str, seeds: list[Files], seed: int, cases: range) -> None:
    """Read cases and print a line before and after each."""
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to standard error
    warm_up(reader, seeds)
    limit_memory()
    for case in cases:
        files = case_files(reader, seeds, seed, case)
        folder = Path(tempfile.mkdtemp(prefix="seac-fuzz-"))
        try:
            write_files(files, folder)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            lines.write(json.dumps({"case": case}) + "\n")
            found = read_case(reader, folder, next(iter(files)))
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            lines.write(json.dumps({"case": case, **found, "grown": grown}) + "\n")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
