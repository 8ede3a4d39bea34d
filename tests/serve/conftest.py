from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs pip install 'seac[serve]'")

from fastapi.testclient import TestClient

from seac.presets.spec import ModelSpec
from seac.serve.http.application import create_app
from seac.serve.job_store import JobStore
from seac.serve.settings import ServeSettings
from seac.serve.worker import Runner, run_export, run_job
from tests.fixtures.parts import squares, tone, write_video
from tests.serve.runners import SyntheticRunner


class ThreadBackend:
    """Runs jobs in a thread of the test, which waits while ``held`` is set."""

    def __init__(self, settings: ServeSettings, runner: Runner | None = None) -> None:
        self._settings, self._store = settings, JobStore(settings.folder)
        self._runner = runner or SyntheticRunner(ModelSpec())
        self.held, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._store.requeue()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        limits = self._settings.limits
        while not self._stop.wait(0.01):
            if self.held.is_set():
                continue
            if job := self._store.claim("thread", limits.tries):
                run_job(self._store, self._runner, job, limits)
            if found := self._store.claim_export("thread", limits.tries):
                run_export(self._store, *found, None)


class Server:
    """A server in the process of the test."""

    def __init__(self, settings: ServeSettings, runner: Runner | None = None) -> None:
        self.settings = settings
        self.backend = ThreadBackend(settings, runner)
        self.client = TestClient(create_app(settings, self.backend), base_url="http://localhost")

    def upload(self, video: Path, **options: Any) -> Any:
        with video.open("rb") as file:
            return self.client.post("/v1/jobs", files={"file": (video.name, file)}, **options)

    def finish(self, job: str, seconds: float = 60.0) -> dict[str, Any]:
        """The job when it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found: dict[str, Any] = self.client.get(f"/v1/jobs/{job}").json()
            if found["state"] not in ("queued", "running"):
                return found
            time.sleep(0.02)
        raise AssertionError(f"the job did not end: {found}")

    def done(self, video: Path, settings: str = "{}") -> str:
        """The id of a job that has been done."""
        job: str = self.upload(video, data={"settings": settings}).json()["id"]
        found = self.finish(job)
        assert found["state"] == "done", found
        return job


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of three squares and the tone of the red one."""
    return write_video(
        tmp_path_factory.mktemp("serve") / "clip.mp4", [squares()] * 20, tone("red", 2.0), fps=10
    )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server in this process."""
    with ExitStack() as stack:

        def begin(runner: Runner | None = None, **options: Any) -> Server:
            options = {"folder": tmp_path / "served", "exports": ("csv",), **options}
            server = Server(ServeSettings(**options), runner)
            stack.enter_context(server.client)
            return server

        yield begin


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for tests that leave its settings alone."""
    server = Server(ServeSettings(tmp_path_factory.mktemp("served"), exports=("csv", "overlay")))
    with server.client:
        yield server


@pytest.fixture(scope="module")
def job(shared_server: Server, clip: Path) -> str:
    """A job that has been done."""
    return shared_server.done(clip)
