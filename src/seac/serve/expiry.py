"""Removal of what has expired, and of what a killed server has left behind."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from pathlib import Path

from seac.serve.job_store import Job, JobStore

CHECK_SECONDS = 30.0
logger = logging.getLogger(__name__)


def remove_job(store: JobStore, job: Job) -> None:
    """Remove a job, and its files unless the folder was there before."""
    store.remove(job.id)
    if not job.adopted:
        shutil.rmtree(job.folder, ignore_errors=True)


def remove_expired(store: JobStore, now: float | None = None) -> int:
    """Remove expired jobs; the number of them.

    Args:
        store: of the jobs.
        now: seconds since 1970.
    """
    found = store.expired(time.time() if now is None else now)
    for job in found:
        remove_job(store, job)
    return len(found)


def remove_leftovers(store: JobStore, jobs: Path, incoming: Path) -> None:
    """Remove uploads that were not finished and folders without a job; no request may run meanwhile.

    Args:
        store: of the jobs.
        jobs: folder of their folders.
        incoming: folder of uploads.
    """
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True, exist_ok=True)
    jobs.mkdir(parents=True, exist_ok=True)
    for folder in jobs.iterdir():
        if store.get(folder.name) is None and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


class ExpiryThread:
    """Removes expired jobs now and then.

    Args:
        store: of the jobs.
    """

    def __init__(self, store: JobStore) -> None:
        self._store, self._stop = store, threading.Event()
        self._thread = threading.Thread(target=self._run, name="seac-expiry", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(CHECK_SECONDS):
            try:
                remove_expired(self._store)
            except Exception:
                logger.exception("expired jobs could not be removed")
