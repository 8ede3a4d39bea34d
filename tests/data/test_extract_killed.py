"""``kill -9`` in the middle of an extraction: the next run makes the store that an undisturbed one makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seac.data.extraction.engine import Here, Processes
from seac.data.extraction.run import extract
from seac.data.store import open_store
from seac.data.store.verify import verify
from tests.conftest import REPO
from tests.data.made_up import RECIPE, Imagined
from tests.data.test_extract_engines import assert_same

CLIPS = 24
SHARD = 60_000
"""Bytes: a few clips, so that shards are closed, and may be half closed, when death comes."""

PROGRAM = """
import sys
from pathlib import Path
from tests.data.test_extract_killed import whole_run
if __name__ == "__main__":
    whole_run(Path(sys.argv[1]), int(sys.argv[2]))
"""


def whole_run(folder: Path, workers: int) -> None:
    pairs = [Imagined(number, pause=0.02) for number in range(CLIPS)]
    extract(pairs, RECIPE, folder, Processes(workers) if workers > 1 else Here(), shard_bytes=SHARD)


def clips_on_disk(folder: Path) -> int:
    return len(list(folder.glob("pending/*.parquet"))) + 3 * len(list(folder.glob("shards/*.parquet")))


def killed_run(folder: Path, workers: int, after: int, delay: float) -> bool:
    """Start a run in a process of its own and kill it once some clips are there; False if it was quicker."""
    path = os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", PROGRAM, str(folder), str(workers)]
    process = subprocess.Popen(words, cwd=REPO, env=environment)
    while clips_on_disk(folder) < after and process.poll() is None:
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "store"
    extract([Imagined(number) for number in range(CLIPS)], RECIPE, folder, Here())
    return folder


def test_killed_again_and_again(tmp_path, undisturbed):
    """Three deaths in one store, in this process's engine and with workers; each run goes on after the last."""
    folder = tmp_path / "store"
    deaths, seen = 0, 0
    for workers, more, delay in ((1, 2, 0.0), (2, 4, 0.011), (1, 5, 0.037)):
        deaths += killed_run(folder, workers, clips_on_disk(folder) + more, delay)
        there = len(open_store(folder))
        assert there >= seen
        seen = there
    assert deaths >= 1
    assert 0 < seen
    whole_run(folder, 1)
    assert_same(folder, undisturbed)
    assert verify(folder, deep=True).problems == ()
    assert not [path for path in folder.rglob("*") if path.name.endswith(".part")]
    assert not list(folder.glob("pending/*"))


def test_workers_do_not_outlive_a_killed_run(tmp_path):
    assert killed_run(tmp_path / "store", 2, 1, 0.0)
    time.sleep(0.5)
    mark = str(tmp_path / "store").encode()
    alive = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "cmdline").read_bytes():
                alive.append(folder.name)
        except OSError:
            continue
    assert alive == []
