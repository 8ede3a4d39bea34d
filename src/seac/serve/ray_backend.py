"""Jobs on a Ray cluster: each actor holds a model; videos go to it and results come back in pieces.

The store, the queue and all files stay with the server; machines of the cluster need no disk in common with
it. Formats of finished results are made by the server.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seac.core.errors import InputError
from seac.extraction.ray_engine import connect
from seac.presets.spec import ModelSpec
from seac.serve.backends import CHECK_SECONDS, END_SECONDS, LocalBackend
from seac.serve.files import PREVIEW
from seac.serve.job_store import ClaimLostError, Job, JobState, JobStore
from seac.serve.settings import ServeSettings
from seac.serve.worker import IDLE_SECONDS, JobCancelledError, build_runner

CHUNK = 8 << 20
"""Bytes that are sent at a time."""
POLL_SECONDS = 0.3
ARCHIVE = "result.zip"
logger = logging.getLogger(__name__)


class RayWorker:
    """An actor with a model: it takes a video, segments it, and gives the result back.

    Args:
        runner: ``module:class`` of a :class:`seac.serve.worker.Runner`.
        model: the networks.
    """

    def __init__(self, runner: str, model: ModelSpec) -> None:
        self._runner = build_runner(runner, model)
        self._folder = Path(tempfile.mkdtemp(prefix="seac-ray-"))
        self._values: dict[str, Any] = {}
        self._cancelled = False

    def begin(self) -> None:
        """Forget the last job."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        self._values, self._cancelled = {}, False

    def receive(self, name: str, chunk: bytes) -> None:
        """Append a piece of the video."""
        with (self._folder / name).open("ab") as file:
            file.write(chunk)

    def segment(self, name: str, settings: Mapping[str, Any]) -> tuple[JobState, str | None, int]:
        """Segment the video.

        Returns:
            how it ended, one line if it failed, and the bytes of the result.
        """
        out = self._folder / "result"
        out.mkdir()
        try:
            self._runner.segment(self._folder / name, out, settings, self._report)
        except JobCancelledError:
            return JobState.CANCELLED, None, 0
        except InputError as error:
            return JobState.FAILED, str(error).replace(str(self._folder / name), "the video"), 0
        archive = self._folder / ARCHIVE
        with zipfile.ZipFile(archive, "w") as packed:
            for path in sorted(out.rglob("*")):
                if path.is_file() and path.name != PREVIEW:
                    packed.write(path, path.relative_to(out).as_posix())
        return JobState.DONE, None, archive.stat().st_size

    def read(self, start: int) -> bytes:
        """A piece of the packed result."""
        with (self._folder / ARCHIVE).open("rb") as file:
            file.seek(start)
            return file.read(CHUNK)

    def progress(self) -> tuple[dict[str, Any], bytes | None]:
        """The progress of the job, and its preview."""
        preview = self._folder / "result" / PREVIEW
        return dict(self._values), preview.read_bytes() if preview.is_file() else None

    def cancel(self) -> None:
        """End the job at its next frame."""
        self._cancelled = True

    def _report(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        if self._cancelled:
            raise JobCancelledError


class RayBackend:
    """Runs jobs on actors of a Ray cluster, one thread of the server for each actor.

    An actor that dies is started again, where the cluster has room, and its job is repeated.

    Args:
        settings: of the server; ``workers`` is the number of actors.
        address: of a running cluster ("auto" finds this machine's), or "local" to start one here.
    """

    def __init__(self, settings: ServeSettings, address: str) -> None:
        self._settings, self._address = settings, address
        self._store = JobStore(settings.folder)
        self._here = LocalBackend(settings, job_processes=0)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._serve, args=(f"ray-{number}",), daemon=True)
            for number in range(settings.workers)
        ]

    def start(self) -> None:
        """See :class:`seac.serve.backends.Backend`."""
        self._ray = connect(self._address)
        self._here.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """See :class:`seac.serve.backends.Backend`."""
        self._stop.set()
        for thread in self._threads:
            thread.join(END_SECONDS)
        self._here.stop()

    def _serve(self, name: str) -> None:
        """Run jobs on one actor after another."""
        actor = None
        while not self._stop.is_set():
            job = self._store.claim(name, self._settings.limits.tries)
            if job is None:
                self._stop.wait(IDLE_SECONDS)
                continue
            try:
                actor = actor or self._new_actor()
                self._run(actor, job)
            except ClaimLostError:  # removed, or ended because it was late: the actor still works on it
                self._ray.kill(actor)
                actor = None
            except Exception as error:
                logger.warning("job %s: its actor ended (%s)", job.id, type(error).__name__)
                actor = None
                self._store.requeue(name)
                self._stop.wait(CHECK_SECONDS)
        if actor is not None:
            self._ray.kill(actor)

    def _new_actor(self) -> Any:
        gpu = self._settings.model.device.startswith("cuda")
        remote = self._ray.remote(num_cpus=0 if gpu else 1, num_gpus=1 if gpu else 0, max_concurrency=2)
        return remote(RayWorker).remote(self._settings.runner, self._settings.model)

    def _run(self, actor: Any, job: Job) -> None:
        """Run a job on an actor.

        Raises:
            ClaimLostError: the job was removed or ended meanwhile.
        """
        ray, keep = self._ray, self._settings.limits.keep_seconds
        ray.get(actor.begin.remote())
        self._send(actor, job)
        asked = actor.segment.remote(job.source.name, dict(job.settings))
        while not ray.wait([asked], timeout=POLL_SECONDS)[0]:
            if self._stop.is_set():
                raise ClaimLostError(job.id)
            self._tell(job, actor)
        state, error, size = ray.get(asked)
        if state is JobState.DONE:
            self._receive(actor, job, size)
        self._store.finish(job, state, keep, error)

    def _send(self, actor: Any, job: Job) -> None:
        with job.source.open("rb") as file:
            while chunk := file.read(CHUNK):
                self._ray.get(actor.receive.remote(job.source.name, chunk))
                self._store.progress(job, {})

    def _tell(self, job: Job, actor: Any) -> None:
        """Write the progress of an actor into the store."""
        values, preview = self._ray.get(actor.progress.remote())
        if preview is not None:
            temporary = job.folder / f".{PREVIEW}"
            temporary.write_bytes(preview)
            temporary.replace(job.folder / PREVIEW)
        if self._store.progress(job, values):
            self._ray.get(actor.cancel.remote())

    def _receive(self, actor: Any, job: Job, size: int) -> None:
        """Unpack the result of an actor into the folder of its job."""
        with tempfile.TemporaryFile(dir=job.folder) as packed:
            while packed.tell() < size:
                packed.write(self._ray.get(actor.read.remote(packed.tell())))
                self._store.progress(job, {})
            packed.seek(0)
            with zipfile.ZipFile(packed) as archive:
                archive.extractall(job.folder)
