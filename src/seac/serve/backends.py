"""What runs jobs: processes of this machine, or actors of a Ray cluster (:mod:`seac.serve.ray_backend`)."""

from __future__ import annotations

import logging
import multiprocessing
import secrets
import threading
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Protocol

from seac.serve.job_store import Job, JobState, JobStore
from seac.serve.settings import ServeSettings
from seac.serve.worker import WorkerSpec, work_on_exports, work_on_jobs

logger = logging.getLogger(__name__)
CHECK_SECONDS = 0.5
CANCEL_SECONDS = 20.0
"""Time in which a worker should see that its job is cancelled, before it is ended."""
RESTART_SECONDS = 2.0
"""Least time between two starts of a worker, if it dies at once."""
END_SECONDS = 5.0
EXPORT = "export"


class Backend(Protocol):
    """Runs the jobs and exports of a store until it is stopped."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End; jobs that run are queued again by the next start."""
        ...


@dataclass(frozen=True)
class _Worker:
    """A process, its name, which no other has, and the time of its start."""

    process: BaseProcess
    name: str
    started: float


class LocalBackend:
    """Worker processes of this machine: some for jobs, one for exports; those that die are started again.

    A process with a job that runs longer than the limit, or that does not see that it is cancelled, is ended.

    Args:
        settings: of the server.
        job_processes: processes for jobs; ``workers`` of the settings if None.
    """

    def __init__(self, settings: ServeSettings, job_processes: int | None = None) -> None:
        self._settings, self._limits = settings, settings.limits
        self._store = JobStore(settings.folder)
        count = settings.workers if job_processes is None else job_processes
        self._places = [f"job-{number}" for number in range(count)]
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[str, _Worker] = {}
        self._cancelled: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="seac-workers", daemon=True)

    def start(self) -> None:
        """See :class:`Backend`."""
        self._store.requeue()
        self._thread.start()

    def stop(self) -> None:
        """See :class:`Backend`."""
        self._stop.set()
        self._thread.join(END_SECONDS)
        for worker in self._workers.values():
            end_process(worker.process)
        self._workers.clear()
        self._store.requeue()

    def _watch(self) -> None:
        while not self._stop.is_set():
            for place in self._places:
                self._keep_alive(place)
            if self._store.count_exports(JobState.QUEUED):
                self._keep_alive(EXPORT)
            for job in self._store.running():
                self._check_job(job)
            for export, started in self._store.running_exports():
                if time.time() - started > self._limits.export_seconds:
                    error = f"the export took longer than {self._limits.export_seconds:.0f} s"
                    self._store.finish_export(export, JobState.FAILED, error=error)
                    self._end(export.claim)
            self._stop.wait(CHECK_SECONDS)

    def _keep_alive(self, place: str) -> None:
        worker = self._workers.get(place)
        if worker is not None and worker.process.is_alive():
            return
        if worker is not None:
            if time.monotonic() - worker.started < RESTART_SECONDS:
                return
            code = worker.process.exitcode
            logger.warning("worker %s ended with %s: another is started", worker.name, code)
            self._store.requeue(worker.name)
        name = f"{place}-{secrets.token_hex(4)}"
        settings = self._settings
        spec = WorkerSpec(settings.folder, settings.model, settings.limits, settings.runner, name)
        target = work_on_exports if place == EXPORT else work_on_jobs
        process = self._context.Process(target=target, args=(spec,), name=f"seac-{place}", daemon=True)
        process.start()
        self._workers[place] = _Worker(process, name, time.monotonic())

    def _check_job(self, job: Job) -> None:
        """End the worker of a job that is late, or that does not see that it is cancelled."""
        keep = self._limits.keep_seconds
        if job.started is not None and time.time() - job.started > self._limits.job_seconds:
            error = f"the job took longer than {self._limits.job_seconds:.0f} s: cut the video"
            if self._store.finish(job, JobState.FAILED, keep, error):
                self._end(job.claim)
        elif job.cancel:
            since = self._cancelled.setdefault(job.id, time.monotonic())
            if time.monotonic() - since > CANCEL_SECONDS:
                del self._cancelled[job.id]
                if self._store.finish(job, JobState.CANCELLED, keep):
                    self._end(job.claim)

    def _end(self, claim: str | None) -> None:
        """End the worker of a claim; :meth:`_keep_alive` starts another."""
        name = (claim or "").rpartition("/")[0]
        for worker in self._workers.values():
            if worker.name == name:
                end_process(worker.process)


def end_process(process: BaseProcess) -> None:
    """End a process: by SIGTERM, then by SIGKILL."""
    process.terminate()
    process.join(END_SECONDS)
    if process.is_alive():
        process.kill()
        process.join(END_SECONDS)
