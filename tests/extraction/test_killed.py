"""``kill -9`` during an extraction: the next run completes the store, as an uninterrupted run would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seac.extraction.engine import InProcessEngine, ProcessEngine
from seac.features import open_store
from seac.features.verify import verify
from seac.jobs.extract import extract
from tests.conftest import REPO
from tests.extraction.test_engines import assert_same
from tests.fixtures.pairs import RECIPE, SyntheticPair

CLIPS = 24
SHARD = 60_000
"""Bytes per shard: a few clips, so that shards are complete or being completed when the process is killed."""

PROGRAM = """
import sys
from pathlib import Path
from tests.extraction.test_killed import run_to_the_end
if __name__ == "__main__":
    run_to_the_end(Path(sys.argv[1]), int(sys.argv[2]))
"""


def run_to_the_end(folder: Path, workers: int) -> None:
    pairs = [SyntheticPair(number, pause=0.02) for number in range(CLIPS)]
    extract(
        pairs, RECIPE, folder, ProcessEngine(workers) if workers > 1 else InProcessEngine(), shard_bytes=SHARD
    )


def clips_on_disk(folder: Path) -> int:
    return len(list(folder.glob("pending/*.parquet"))) + 3 * len(list(folder.glob("shards/*.parquet")))


def children_of(process: int) -> list[Path]:
    """Return the running child processes of a process, as paths in /proc."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [Path("/proc") / child for child in children]


def have_ended(processes: list[Path], timeout: float = 30.0) -> bool:
    """Return whether processes end within ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while any(process.exists() for process in processes):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def killed_run(folder: Path, workers: int, after: int, delay: float) -> bool:
    """Start a run in a process and kill it after some clips; return False if it ended before."""
    path = os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(workers)]
    process = subprocess.Popen(command, cwd=REPO, env=environment)
    while clips_on_disk(folder) < after and process.poll() is None:
        time.sleep(0.002)
    time.sleep(delay)
    children = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    assert have_ended(children), "workers outlive the run that started them"
    return killed


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted") / "store"
    extract([SyntheticPair(number) for number in range(CLIPS)], RECIPE, folder, InProcessEngine())
    return folder


def test_a_run_that_is_killed_repeatedly_is_resumed(tmp_path, uninterrupted):
    """Kill the in-process engine, then the engine of two workers; each run resumes the store."""
    folder = tmp_path / "store"
    deaths, clips = 0, 0
    for workers, more, delay in ((1, 2, 0.0), (2, 7, 0.011)):
        deaths += killed_run(folder, workers, clips_on_disk(folder) + more, delay)
        clips_now = len(open_store(folder))
        assert clips_now >= clips
        clips = clips_now
    assert deaths >= 1
    assert clips > 0
    run_to_the_end(folder, 1)
    assert_same(folder, uninterrupted)
    assert verify(folder, deep=True).problems == ()
    assert not [path for path in folder.rglob("*") if path.name.endswith(".part")]
    assert not list(folder.glob("pending/*"))
