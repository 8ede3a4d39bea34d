"""Folders are written atomically, however a run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seac.core.ownership import RECORD
from seac.export.folder import PREFIX, atomic_folder, remove_stale_folders
from tests.conftest import REPO

# The program with a command that writes half of a folder and then waits.
HALF = """
import sys, time
from pathlib import Path
from seac.cli import app
from seac.export.folder import atomic_folder

def run(words):
    try:
        with atomic_folder(Path(words[0])) as temporary:
            (temporary / "half").write_text("half")
            print("ready", flush=True)
            time.sleep(60)
    except KeyboardInterrupt:
        return app.INTERRUPTED

app.run = run
app.main()
"""


@pytest.fixture
def running(tmp_path):
    """A process that is writing ``tmp_path / "out"``."""
    command = [sys.executable, "-c", HALF, str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def temporary_paths(out: Path) -> list[Path]:
    return sorted(out.glob(f"{PREFIX}*"))


@pytest.mark.skipif(os.name != "posix", reason="no SIGTERM here")
def test_a_terminated_program_leaves_nothing(running, tmp_path):
    assert len(temporary_paths(tmp_path / "out")) == 1
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 130
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="no locks here")
def test_temporary_folders_of_killed_processes_are_removed_and_others_stay(running, tmp_path):
    out = tmp_path / "out"
    (theirs,) = temporary_paths(out)
    with atomic_folder(out) as temporary:
        (temporary / "mine").write_text("whole")
        with atomic_folder(out):
            assert temporary.is_dir()
    assert temporary_paths(out) == [theirs]
    running.kill()
    running.wait(timeout=30)
    with atomic_folder(out):
        assert not theirs.exists()
    assert sorted(item.name for item in out.iterdir()) == [RECORD, "mine"]


def test_files_and_folders_of_similar_names_stay(tmp_path):
    names = [".seac-notes", ".seac", ".other"]
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / f"{PREFIX}file").touch()
    with atomic_folder(tmp_path):
        pass
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted([*names, f"{PREFIX}file"])


@pytest.mark.skipif(os.name != "posix", reason="no locks here")
def test_a_finished_folder_is_cleared_of_what_a_killed_process_left(running, tmp_path):
    out = tmp_path / "out"
    remove_stale_folders(out)
    assert len(temporary_paths(out)) == 1
    running.kill()
    running.wait(timeout=30)
    remove_stale_folders(out)
    assert temporary_paths(out) == []
    remove_stale_folders(tmp_path / "missing")
