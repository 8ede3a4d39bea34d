"""Fuzz the readers of seac, in worker processes with limits of time and memory.

    python -m benchmarks.fuzz --cases 100000 [--reader NAME] [--seed 0] [--jobs 1] [--minutes 60]
                              [--keep FOLDER] [--write docs/robustness.md]

Small valid files are made on the spot. A case is one of them with one file mutated, by bytes or by structure,
and is a function of seed, reader and number. A worker reads it with the functions that the commands use. A
case that takes over 10 s of CPU time is a hang; one that takes over 2 GB is refused the memory. What is
neither read nor refused in one line is a finding; ``--keep`` writes the first case of each place.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.command import publish
from benchmarks.fuzz.readers import READERS
from benchmarks.fuzz.worker import case_files, work, write_files
from benchmarks.tables import table

SECONDS = 10.0
"""Greatest CPU time of a case: on a busy machine wall time says little."""
WALL = 300.0
"""Greatest wall time of a case, and of the start of a worker."""
OUTCOMES = ("ok", "refused", "traceback", "memory", "hang", "crash")
CLEAN = frozenset({"ok", "refused"})
BATCH = 2_000
"""Cases of one worker process."""


@dataclass
class Tally:
    """Outcomes of a reader.

    Attributes:
        outcomes: number of cases by outcome.
        places: number of findings by outcome and place, and the first case of each.
        grown: greatest growth of the memory in one case, in bytes.
        seconds: longest case.
        wall: seconds of all cases.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[Any]] = field(default_factory=dict)
    grown: int = 0
    seconds: float = 0.0
    wall: float = 0.0

    def add(self, case: int, found: dict[str, Any], seconds: float) -> None:
        """Count a case."""
        self.outcomes[found["outcome"]] += 1
        self.grown = max(self.grown, 1024 * found.get("grown", 0))
        self.seconds = max(self.seconds, seconds)
        if found["outcome"] not in CLEAN:
            key = f"{found['outcome']}: {found.get('place', '')}"
            self.places.setdefault(key, [0, case, found.get("text", "")])[0] += 1


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_worker(reader: str, seed_file: Path, seed: int, first: int, last: int, tally: Tally) -> int:
    """Read cases in one worker until it ends or has to be killed; the number of the next case."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.fuzz",
        "--worker",
        reader,
        str(seed_file),
        str(seed),
        str(first),
        str(last),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as process:
        assert process.stdout is not None
        current, began, buffer = -1, time.monotonic(), b""
        next_case, used = first, 0.0
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 1.0)
            if not ready:
                if cpu_seconds(process.pid) - used < SECONDS and time.monotonic() - began < WALL:
                    continue
                process.kill()
                if current < 0 and used == 0.0:
                    raise RuntimeError(f"{reader}: the worker does not start")
                tally.add(current, {"outcome": "hang"}, SECONDS)
                return current + 1
            part = process.stdout.read(65_536)
            if not part:
                break
            *lines, buffer = (buffer + part).split(b"\n")
            for line in lines:
                found = json.loads(line)
                now = time.monotonic()
                if "outcome" in found:
                    tally.add(found["case"], found, now - began)
                    current, next_case = -1, found["case"] + 1
                else:
                    current = found["case"]
                began, used = now, cpu_seconds(process.pid)
    if current >= 0:
        tally.add(current, {"outcome": "crash", "place": f"exit {process.returncode}"}, 0.0)
        return current + 1
    if next_case == first:
        raise RuntimeError(f"{reader}: the worker ended with {process.returncode} before its first case")
    return next_case


def fuzz(reader: str, cases: int, seed: int, end: float, keep: Path | None = None, start: int = 0) -> Tally:
    """Read ``cases`` mutated files with a reader, or fewer if the time is over.

    Args:
        reader: a key of :data:`READERS`.
        cases: number of cases.
        seed: of all random draws.
        end: time of ``time.monotonic()`` at which no further worker starts.
        keep: folder that gets the files of the first case of each finding.
        start: number of the first case.
    """
    tally, began = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        seeds = READERS[reader].seeds(Path(scratch))
        seed_file = Path(scratch) / "seeds"
        seed_file.write_bytes(pickle.dumps([dict(files) for files in seeds]))
        case = start
        while case < start + cases and time.monotonic() < end:
            case = run_worker(reader, seed_file, seed, case, min(start + cases, case + BATCH), tally)
    tally.wall = time.monotonic() - began
    if keep is not None:
        for number, (_, first, _) in enumerate(tally.places.values()):
            write_files(
                case_files(reader, seeds, seed, first), keep / f"{reader.replace(' ', '_')}-{number}-{first}"
            )
    return tally


def page(tallies: dict[str, Tally], seed: int) -> list[str]:
    """The section of the page."""
    heads = ("reader", "cases", "read", "refused", *OUTCOMES[2:], "longest s", "most memory MB")
    rows: list[Sequence[object]] = [
        (
            name,
            f"{sum(tally.outcomes.values()):,}",
            *(f"{tally.outcomes[outcome]:,}" for outcome in OUTCOMES),
            f"{tally.seconds:.1f}",
            f"{tally.grown / 1e6:.0f}",
        )
        for name, tally in tallies.items()
    ]
    total: Counter[str] = sum((tally.outcomes for tally in tallies.values()), Counter())
    rows.append(
        (
            "all",
            f"{sum(total.values()):,}",
            *(f"{total[outcome]:,}" for outcome in OUTCOMES),
            f"{max((tally.seconds for tally in tallies.values()), default=0):.1f}",
            f"{max((tally.grown for tally in tallies.values()), default=0) / 1e6:.0f}",
        )
    )
    return [f"Seed {seed}; limits of a case: {SECONDS:.0f} s and 2 GB.", "", *table(heads, rows)]


def main() -> None:
    """Fuzz and print; exit code 1 if a case was neither read nor refused in one line."""
    if sys.argv[1:2] == ["--worker"]:
        reader, seed_file, seed, first, last = sys.argv[2:]
        work(reader, Path(seed_file), int(seed), int(first), int(last))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_300, help="cases of all readers together")
    parser.add_argument("--reader", choices=tuple(READERS), action="append", help="only these readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0, help="no worker starts after this time")
    parser.add_argument("--keep", type=Path, help="folder that gets the files of findings")
    parser.add_argument("--write", type=Path, help="page whose section fuzz is replaced")
    options = parser.parse_args()
    chosen = options.reader or list(READERS)
    shares = sum(READERS[name].share for name in chosen)
    began, tallies = time.monotonic(), {}
    for number, name in enumerate(chosen):
        end = began + 60 * options.minutes * (number + 1) / len(chosen)
        cases = round(options.cases * READERS[name].share / shares)
        tallies[name] = fuzz(name, cases, options.seed, end, options.keep)
        print(name, dict(tallies[name].outcomes), f"{tallies[name].wall:.0f} s", file=sys.stderr, flush=True)
        for place, (count, case, text) in tallies[name].places.items():
            print(f"  {count:6} {place} (case {case}) {text!r}", file=sys.stderr, flush=True)
    publish(page(tallies, options.seed), options.write, "fuzz")
    sys.exit(any(set(tally.outcomes) - CLEAN for tally in tallies.values()))


if __name__ == "__main__":
    main()
