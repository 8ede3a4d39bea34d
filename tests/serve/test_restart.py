"""A server in a process of its own, which is killed, started again, and told to stop."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import seac
from seac.serve.job_store import JobStore
from tests.conftest import REPO
from tests.serve.runners import SLOW

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
SECONDS = 180.0


@contextmanager
def serving(folder):
    """A server and a client of it; it is killed at the end if it still runs."""
    environment = {**os.environ, "PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.serve.server", str(folder), SLOW]
    with subprocess.Popen(command, cwd=REPO, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = None
            while address is None:
                line = process.stderr.readline()
                assert line, "the server has ended"
                address = re.search(r"http://[\w.:]+", line)
            with httpx.Client(base_url=address.group(), timeout=60, trust_env=False) as client:
                yield process, client
        finally:
            process.kill()


def upload(client, clip):
    answer = client.post("/v1/jobs", files={"file": ("clip.mp4", clip.read_bytes())})
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def wait_for(client, job, states):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = client.get(f"/v1/jobs/{job}").json()
        if found["state"] in states:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the job is {found}")


def children(pid):
    """Processes that a process has started, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_jobs_survive_a_killed_server(tmp_path, clip):
    folder = tmp_path / "served"
    with serving(folder) as (process, client):
        jobs = [upload(client, clip) for _ in range(3)]
        wait_for(client, jobs[0], ["done"])
        wait_for(client, jobs[1], ["running"])
        workers = children(process.pid)
        assert workers
        process.send_signal(signal.SIGKILL)
        process.wait()
    end = time.monotonic() + 20
    while any(alive(pid) for pid in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in workers), "a worker has outlived its server"
    (folder / "incoming/unfinished").write_text("half an upload")
    (folder / "jobs" / ("0" * 32)).mkdir()
    with serving(folder) as (process, client):
        assert client.get(f"/v1/jobs/{jobs[0]}").json()["state"] == "done"
        found = [wait_for(client, job, ["done", "failed"]) for job in jobs]
        assert [each["state"] for each in found] == ["done"] * 3
        steps = [client.get(f"/v1/jobs/{job}/result").json()["steps"] for job in jobs]
        assert len(set(steps)) == 1
        job = upload(client, clip)
        wait_for(client, job, ["running"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        log = process.stderr.read()
        assert "Traceback" not in log
        assert log.endswith("stopped\n")
    assert JobStore(folder).get(job).state == "queued"
    assert not list((folder / "incoming").iterdir())
    assert sorted(path.name for path in (folder / "jobs").iterdir()) == sorted([*jobs, job])
    assert all(len(seac.open_result(folder / "jobs" / job)) for job in jobs)
