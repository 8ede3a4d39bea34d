"""Worker processes that die, never end, or do not see that they are cancelled."""

from __future__ import annotations

import time

import pytest

from seac.serve import backends
from seac.serve.backends import LocalBackend
from seac.serve.job_store import JobStore
from seac.serve.limits import ServeLimits
from seac.serve.settings import ServeSettings
from tests.serve.broken_runners import DEAF, DYING


@pytest.fixture
def run(tmp_path):
    """Runs a job, and gives it when it has one of some states."""
    running = []

    def begin(runner, limits, states, act=lambda store, job: None):
        settings = ServeSettings(tmp_path, limits=limits, runner=runner)
        store = JobStore(tmp_path)
        job = store.add("clip", {}, tmp_path / "a", tmp_path / "a/source.mp4", 10)
        backend = LocalBackend(settings)
        backend.start()
        running.append(backend)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            found = store.get(job.id)
            act(store, found)
            if found.state in states:
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    yield begin
    for backend in running:
        backend.stop()


def test_a_job_whose_workers_die_fails_in_the_end(run):
    found = run(DYING, ServeLimits(tries=2), ["failed"])
    assert "2 times" in found.error


def test_a_job_that_takes_too_long_is_ended(run):
    found = run(DEAF, ServeLimits(job_seconds=1), ["failed"])
    assert "longer than 1 s" in found.error


def test_a_worker_that_does_not_see_a_cancel_is_ended(run, monkeypatch):
    monkeypatch.setattr(backends, "CANCEL_SECONDS", 0.5)

    def cancel(store, job):
        if job.state == "running" and not job.cancel:
            store.cancel(job.id, 10)

    assert run(DEAF, ServeLimits(), ["cancelled"], cancel).finished
