"""A worker process: it takes jobs from the store, one after another, and ends with its server."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seac.core.errors import InputError
from seac.serve.job_store import ClaimLostError, Export, Job, JobState, JobStore
from seac.serve.limits import ServeLimits

if TYPE_CHECKING:  # a process whose runner needs no networks does not import them
    from seac.presets.spec import ModelSpec

IDLE_SECONDS = 0.1
"""Time between two looks into an empty queue."""
logger = logging.getLogger(__name__)


class Report(Protocol):
    """Where a runner tells its progress."""

    def __call__(self, values: Mapping[str, Any], /) -> None:
        """Take fields of the progress (:data:`seac.serve.job_store.PROGRESS_FIELDS`).

        Raises:
            JobCancelledError: the job is to end.
        """
        ...


class JobCancelledError(Exception):
    """The client has cancelled the job."""


class Runner(Protocol):
    """Runs jobs one after another."""

    def __init__(self, model: ModelSpec) -> None: ...

    def segment(self, source: Path, out: Path, settings: Mapping[str, Any], report: Report) -> None:
        """Segment a video into a result folder.

        Raises:
            InputError: the video cannot be segmented.
            JobCancelledError: from ``report``.
        """
        ...


@dataclass(frozen=True)
class WorkerSpec:
    """What a worker process is started with.

    Attributes:
        folder: of the store.
        model: the networks.
        limits: times.
        runner: ``module:class`` of a :class:`Runner`.
        name: of the process; no two have the same.
    """

    folder: Path
    model: ModelSpec
    limits: ServeLimits
    runner: str
    name: str


def build_runner(name: str, model: ModelSpec) -> Runner:
    """The runner ``module:class``."""
    module, _, member = name.partition(":")
    runner: Runner = getattr(import_module(module), member)(model)
    return runner


def work_on_jobs(spec: WorkerSpec) -> None:
    """Run jobs until the server ends: the main function of a worker process."""
    _follow_parent()
    store, runner = JobStore(spec.folder), build_runner(spec.runner, spec.model)
    while True:
        job = store.claim(spec.name, spec.limits.tries)
        if job is None:
            time.sleep(IDLE_SECONDS)
        else:
            run_job(store, runner, job, spec.limits)


def work_on_exports(spec: WorkerSpec) -> None:
    """Write exports until the server ends: the main function of the process for exports."""
    _follow_parent()
    store = JobStore(spec.folder)
    while True:
        found = store.claim_export(spec.name, spec.limits.tries)
        if found is None:
            time.sleep(IDLE_SECONDS)
        else:
            run_export(store, *found, spec.model.weights_dir)


def run_job(store: JobStore, runner: Runner, job: Job, limits: ServeLimits) -> None:
    """Run a claimed job, and write how it ended."""

    def report(values: Mapping[str, Any]) -> None:
        if store.progress(job, values):
            raise JobCancelledError

    keep = limits.keep_seconds
    try:
        report({})
        runner.segment(job.source, job.folder, job.settings, report)
        store.finish(job, JobState.DONE, keep)
    except JobCancelledError:
        store.finish(job, JobState.CANCELLED, keep)
    except ClaimLostError:
        logger.info("job %s was taken from this worker", job.id)
    except Exception as error:
        store.finish(job, JobState.FAILED, keep, explain_failure(error, job))


def run_export(store: JobStore, export: Export, job: Job, weights_dir: Path | None) -> None:
    """Write a claimed export, and write how it ended."""
    from seac.serve.runner import write_export

    try:
        file = write_export(job.folder, job.source, export.format, weights_dir)
        store.finish_export(export, JobState.DONE, file=file)
    except Exception as error:
        store.finish_export(export, JobState.FAILED, error=explain_failure(error, job))


def explain_failure(error: Exception, job: Job) -> str:
    """One line for a client; paths of the server are left out, other errors are in the log."""
    if isinstance(error, InputError):
        return str(error).replace(str(job.source), job.name).replace(str(job.folder), "the result")
    logger.error("job %s failed", job.id, exc_info=error)
    return f"internal error ({type(error).__name__}); the log of the server says more"


def _follow_parent() -> None:
    """End with the server, however it ends; leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = parent_process()
    if parent is None:
        return

    def end() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
