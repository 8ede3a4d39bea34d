"""``kill -9`` in the middle of an extraction: the next run makes the store that an undisturbed one makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seac.extraction.engine import Here, Processes
from seac.features import open_store
from seac.features.verify import verify
from seac.jobs.extract import extract
from tests.conftest import REPO
from tests.extraction.test_engines import assert_same
from tests.fixtures.pairs import RECIPE, SyntheticPair

CLIPS = 24
SHARD = 60_000
"""Bytes: a few clips, so that shards are closed, and may be half closed, when death comes."""

PROGRAM = """
import sys
from pathlib import Path
from tests.extraction.test_killed import run_to_the_end
if __name__ == "__main__":
    run_to_the_end(Path(sys.argv[1]), int(sys.argv[2]))
"""


def run_to_the_end(folder: Path, workers: int) -> None:
    pairs = [SyntheticPair(number, pause=0.02) for number in range(CLIPS)]
    extract(pairs, RECIPE, folder, Processes(workers) if workers > 1 else Here(), shard_bytes=SHARD)


def clips_on_disk(folder: Path) -> int:
    return len(list(folder.glob("pending/*.parquet"))) + 3 * len(list(folder.glob("shards/*.parquet")))


def children_of(process: int) -> list[Path]:
    """Processes that another one has started and that are still there."""
    try:
        listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [Path("/proc") / child for child in listed]


def gone(processes: list[Path], patience: float = 30.0) -> bool:
    """Whether processes end before long."""
    end = time.monotonic() + patience
    while any(process.exists() for process in processes):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def killed_run(folder: Path, workers: int, after: int, delay: float) -> bool:
    """Start a run in a process of its own and kill it once some clips are there; False if it was quicker."""
    path = os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", PROGRAM, str(folder), str(workers)]
    process = subprocess.Popen(words, cwd=REPO, env=environment)
    while clips_on_disk(folder) < after and process.poll() is None:
        time.sleep(0.002)
    time.sleep(delay)
    children = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    assert gone(children), "workers outlive the run that started them"
    return killed


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "store"
    extract([SyntheticPair(number) for number in range(CLIPS)], RECIPE, folder, Here())
    return folder


def test_killed_again_and_again(tmp_path, undisturbed):
    """Deaths in one store, first of this process's engine, then of two workers'; each run goes on."""
    folder = tmp_path / "store"
    deaths, seen = 0, 0
    for workers, more, delay in ((1, 2, 0.0), (2, 7, 0.011)):
        deaths += killed_run(folder, workers, clips_on_disk(folder) + more, delay)
        there = len(open_store(folder))
        assert there >= seen
        seen = there
    assert deaths >= 1
    assert seen > 0
    run_to_the_end(folder, 1)
    assert_same(folder, undisturbed)
    assert verify(folder, deep=True).problems == ()
    assert not [path for path in folder.rglob("*") if path.name.endswith(".part")]
    assert not list(folder.glob("pending/*"))
