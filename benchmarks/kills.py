"""Kill commands at random moments (``kill -9``), run them again, and compare with undisturbed runs.

    python -m benchmarks.kills [--kills 10] [--command segment] [--seed 0] [--write docs/robustness.md]

Commands run on synthetic clips and a synthetic model, in processes that are forked from one that has
imported everything, so that a kill costs less than a second. Of every five kills the first meets an empty
folder (or the result of before), the others what the last kill left; then the command runs to its end. Its
files are compared by content with those of a run that nobody killed. A leftover is a file that the
undisturbed run does not have. At last the command is started twice at once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.command import publish
from benchmarks.tables import rows_of_section, table
from seac.core.errors import InputError

USAGE = 2
"""Exit code of a refused command."""
ROUND = 5
"""Kills in a row before the command runs to its end."""
HEADS = ("command", "kills", "full runs", "failed", "differ", "lost", "left over", "twice at once")
VOLATILE = frozenset(
    {".seac.json", ".lock", "run.json", "card.md", "steps.csv", "curves.png", "epochs.csv", "checkpoint.pt"}
)
"""Files that hold times (checkpoints: of the steps): their names are compared; weights are by content."""


@dataclass(frozen=True)
class Command:
    """A command under test.

    Attributes:
        prepare: makes the inputs of a run in its folder.
        run: runs the command on this folder; returns the exit code.
        again: runs it where a result exists.
        output: subfolder that is compared.
    """

    prepare: Callable[[Path], None]
    run: Callable[[Path], int]
    again: Callable[[Path], int]
    output: str


@dataclass
class Tally:
    """What became of the kills of a command."""

    kills: int = 0
    too_late: int = 0
    rounds: int = 0
    failed: int = 0
    differing: set[str] = field(default_factory=set)
    leftovers: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    together: str = ""

    def compare(self, found: dict[str, str], expected: dict[str, str]) -> None:
        """Compare the files of a run with those of the undisturbed run."""
        self.leftovers |= set(found) - set(expected)
        self.lost |= set(expected) - set(found)
        self.differing |= {name for name in set(found) & set(expected) if found[name] != expected[name]}

    @property
    def bad(self) -> bool:
        """Whether anything went wrong."""
        return bool(self.failed or self.differing or self.leftovers or self.lost)


def _seac(*words: object) -> int:
    from seac.cli import app

    return app.run([str(word) for word in words])


def _clips(folder: Path) -> None:
    from tests.fixtures.parts import squares, tone, write_video

    clips = folder / "clips"
    clips.mkdir()
    for number, name in enumerate(("red", "green", "blue")):
        write_video(clips / f"{name}.mp4", [np.roll(squares(48, 80), number, 1)] * 12, tone(name, 0.5))


def _segment(folder: Path, *more: str) -> int:
    import seac.jobs.segment
    from tests.fixtures.parts import synthetic_model

    setattr(seac.jobs.segment, "load", lambda spec, **options: synthetic_model())  # noqa: B010
    exports = "overlay,masks,json,csv,coco,report"
    return _seac("segment", folder / "clips", "-o", folder / "out", "--fps", "4", "--export", exports, *more)


def _segmented(folder: Path) -> None:
    _clips(folder)
    _in_child(partial(_segment, folder))


def _decide(folder: Path) -> int:
    return _seac("decide", folder / "out/red", "--threshold", "0.3", "--rename", "0=kettle")


def _extract(folder: Path) -> int:
    from seac.extraction.engine import InProcessEngine
    from seac.jobs.extract import extract
    from tests.fixtures.pairs import RECIPE, SyntheticPair

    pairs = [SyntheticPair(number, pause=0.005) for number in range(24)]
    try:
        extract(list(pairs), RECIPE, folder / "store", InProcessEngine(), shard_bytes=60_000)
    except InputError:
        return USAGE
    return 0


def _train(folder: Path) -> int:
    import seac.features
    from seac.training.frozen import Networks
    from tests.fixtures.training_data import Bands, synthetic_store
    from tests.jobs.test_train import SMALL

    setattr(seac.features, "open_store", lambda path: synthetic_store(48))  # noqa: B010
    setattr(Networks, "audio", lambda self, store: Bands())  # noqa: B010
    sets = [word for setting in SMALL for word in ("--set", setting)]
    return _seac("train", "STORE", "--out", folder / "run", *sets)


def _nothing(folder: Path) -> None:
    return


COMMANDS: dict[str, Command] = {
    "segment": Command(_clips, _segment, lambda folder: _segment(folder, "--again"), "out"),
    "decide": Command(_segmented, _decide, _decide, "out/red"),
    "extract": Command(_nothing, _extract, _extract, "store"),
    "train": Command(_nothing, _train, _train, "run"),
}


def _start(run: Callable[[], int]) -> int:
    """Run a function in a forked process of its own group; returns its id."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.setpgid(0, 0)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        if not os.environ.get("SEAC_KILLS_DEBUG"):
            os.dup2(silent, 2)
        code = run()
    finally:
        os._exit(code)


def _in_child(run: Callable[[], int]) -> int:
    """Exit code of a function that runs in a forked process."""
    return os.waitstatus_to_exitcode(os.waitpid(_start(run), 0)[1])


def _kill_after(run: Callable[[], int], seconds: float) -> bool:
    """Run a function in a forked process and kill its group after some seconds; False if it had ended."""
    process = _start(run)
    time.sleep(seconds)
    killed = False
    try:
        killed = os.waitpid(process, os.WNOHANG)[0] == 0
        if killed:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
    except (ProcessLookupError, ChildProcessError):
        killed = False
    return killed


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file of a folder by its path; of volatile files only the name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            volatile = path.name in VOLATILE or "tensorboard" in path.parts
            name = path.relative_to(folder).as_posix() if "tensorboard" not in path.parts else "tensorboard"
            found[name] = "" if volatile else hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.name.startswith("."):
            found[path.relative_to(folder).as_posix() + "/"] = ""
    return found


def _fresh(home: Path, command: Command) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    command.prepare(home)


def run_together(command: Command, home: Path, tally: Tally, expected: dict[str, str]) -> None:
    """Start the command twice at once: one may be refused, and the files are those of one run."""
    _fresh(home, command)
    processes = [_start(partial(command.run, home)) for _ in range(2)]
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes)
    tally.failed += codes not in ([0, 0], [0, USAGE])
    tally.together = {(0, 0): "both done", (0, USAGE): "one done, one refused"}.get(
        (codes[0], codes[1]), str(codes)
    )
    tally.compare(digests(home / command.output), expected)


def kill_often(command: Command, kills: int, seed: int) -> Tally:
    """Kill a command ``kills`` times, in rounds, and compare after each round; then run it twice at once."""
    rng, tally = np.random.default_rng(seed), Tally()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "run"  # every round has the same paths, because results record them
        _fresh(home, command)
        began = time.monotonic()
        if _in_child(partial(command.run, home)) != 0:
            raise RuntimeError("the undisturbed run fails")
        length = time.monotonic() - began
        expected = digests(home / command.output)
        while tally.kills < kills:
            run = command.again
            if tally.rounds % 2 == 0:
                _fresh(home, command)
                run = command.run
            for _ in range(ROUND):
                killed = _kill_after(partial(run, home), float(rng.uniform(0, length)))
                tally.kills += killed
                tally.too_late += not killed
            tally.rounds += 1
            tally.failed += _in_child(partial(run, home)) != 0
            tally.compare(digests(home / command.output), expected)
        run_together(command, home, tally, expected)
    return tally


def _shown(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)[:4]) or "none"


def main() -> None:
    """Kill, compare and print; exit code 1 if a file was lost, differs or is left over."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10, help="kills of each command")
    parser.add_argument("--command", choices=tuple(COMMANDS), action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="page whose section kills is replaced")
    options = parser.parse_args()
    import torch

    import seac.jobs.decide
    import seac.jobs.extract
    import seac.jobs.segment
    import seac.jobs.train  # noqa: F401 - imported once, before the forks

    torch.set_num_threads(1)
    rows: dict[str, Sequence[object]] = dict(rows_of_section(options.write, "kills"))
    bad = False
    for name in options.command or COMMANDS:
        tally = kill_often(COMMANDS[name], options.kills, options.seed)
        bad |= tally.bad
        shown = map(_shown, (tally.differing, tally.lost, tally.leftovers))
        rows[name] = (name, tally.kills, tally.rounds, tally.failed, *shown, tally.together)
        print(name, tally, file=sys.stderr, flush=True)
        publish(table(HEADS, list(rows.values())), options.write, "kills")
    sys.exit(bad)


if __name__ == "__main__":
    main()
