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
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.command import publish
from benchmarks.fuzz.readers import READERS, Files
from benchmarks.fuzz.worker import case_files, work, write_files
from benchmarks.tables import rows_of_section, table

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


@dataclass
class Watched:
    """What a worker is doing.

    Attributes:
        current: its case; -1 between two.
        following: the case after the last that is done.
        began: time of its last line.
        used: CPU seconds of the worker at that time; 0 before its first line.
    """

    current: int
    following: int
    began: float
    used: float = 0.0

    def take(self, line: bytes, process: int, tally: Tally) -> None:
        """Take a line of the worker."""
        found, now = json.loads(line), time.monotonic()
        if "outcome" in found:
            tally.add(found["case"], found, now - self.began)
            self.current, self.following = -1, found["case"] + 1
        else:
            self.current = found["case"]
        self.began, self.used = now, cpu_seconds(process)

    def hangs(self, process: int) -> bool:
        """Whether the case, or the start, takes too long."""
        return cpu_seconds(process) - self.used > SECONDS or time.monotonic() - self.began > WALL


def start_worker(reader: str, seeds: list[Files], seed: int, cases: range) -> tuple[int, int]:
    """Fork a worker, which costs no imports; its process id and the pipe with its lines."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    code = 1
    try:
        os.dup2(writing, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        work(reader, seeds, seed, cases)
        code = 0
    finally:
        os._exit(code)


def run_worker(reader: str, seeds: list[Files], seed: int, cases: range, tally: Tally, end: float) -> int:
    """Read cases in one worker until it or the time ends, or it has to be killed; the next case.

    Raises:
        RuntimeError: the worker does not start.
    """
    process, pipe = start_worker(reader, seeds, seed, cases)
    watched = Watched(-1, cases.start, time.monotonic())
    killed = False
    with os.fdopen(pipe, "rb", buffering=0) as lines:
        buffer = b""
        while not killed:
            if not select.select([lines], [], [], 1.0)[0]:
                killed = watched.hangs(process)
                continue
            part = lines.read(65_536)
            if not part:
                break
            *whole, buffer = (buffer + part).split(b"\n")
            for line in whole:
                watched.take(line, process, tally)
            killed = time.monotonic() > end and watched.current < 0
    if killed:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if watched.current >= 0:
        tally.add(watched.current, {"outcome": "hang" if killed else "crash", "place": f"exit {code}"}, 0.0)
        return watched.current + 1
    if watched.following == cases.start and not killed:
        raise RuntimeError(f"{reader}: the worker ended with {code} before its first case")
    return watched.following


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
    case = start
    while case < start + cases and time.monotonic() < end:
        batch = range(case, min(start + cases, case + BATCH))
        case = run_worker(reader, seeds, seed, batch, tally, end)
    tally.wall = time.monotonic() - began
    if keep is not None:
        for number, (_, first, _) in enumerate(tally.places.values()):
            write_files(
                case_files(reader, seeds, seed, first), keep / f"{reader.replace(' ', '_')}-{number}-{first}"
            )
    return tally


HEADS = ("reader", "cases", "read", "refused", *OUTCOMES[2:], "longest s", "most memory MB")


def row(name: str, tally: Tally) -> list[object]:
    """The row of a reader."""
    outcomes = [f"{tally.outcomes[outcome]:,}" for outcome in OUTCOMES]
    total = f"{sum(tally.outcomes.values()):,}"
    return [name, total, *outcomes, f"{tally.seconds:.1f}", f"{tally.grown / 1e6:.0f}"]


def page(rows: Mapping[str, Sequence[object]], seed: int) -> list[str]:
    """The section of the page: a row for every reader, and the sums."""
    kept = [rows[name] for name in READERS if name in rows]
    sums = [sum(int(str(each[at]).replace(",", "")) for each in kept) for at in range(1, 2 + len(OUTCOMES))]
    most = [max(float(str(each[at])) for each in kept) for at in (-2, -1)]
    last = ["all", *(f"{value:,}" for value in sums), f"{most[0]:.1f}", f"{most[1]:.0f}"]
    head = f"Seed {seed}; limits of a case: {SECONDS:.0f} s of CPU time and 2 GB. Longest: wall time."
    return [head, "", *table(HEADS, [*kept, last])]


def main() -> None:
    """Fuzz and print; exit code 1 if a case was neither read nor refused in one line."""
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
    torch.set_num_threads(1)
    began, bad = time.monotonic(), False
    rows: dict[str, Sequence[object]] = dict(rows_of_section(options.write, "fuzz"))
    for number, name in enumerate(chosen):
        end = began + 60 * options.minutes * (number + 1) / len(chosen)
        cases = round(options.cases * READERS[name].share / shares)
        tally = fuzz(name, cases, options.seed, end, options.keep)
        print(name, dict(tally.outcomes), f"{tally.wall:.0f} s", file=sys.stderr, flush=True)
        for place, (count, case, text) in tally.places.items():
            print(f"  {count:6} {place} (case {case}) {text!r}", file=sys.stderr, flush=True)
        rows[name] = row(name, tally)
        bad |= bool(set(tally.outcomes) - CLEAN)
        publish(page(rows, options.seed), options.write, "fuzz")
    sys.exit(bad)


if __name__ == "__main__":
    main()
