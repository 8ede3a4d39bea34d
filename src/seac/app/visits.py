"""Nothing is kept after the visit: jobs that no page has named for some minutes are removed.

A page names the jobs that it shows every few seconds. Jobs that the user keeps do not expire and stay;
folders that were there before are never removed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from seac.serve.http.jobs import delete_job
from seac.serve.http.service import Service
from seac.serve.job_store import Job, JobState

CHECK_SECONDS = 10.0
MAX_JOBS = 10_000
logger = logging.getLogger(__name__)


def is_kept(job: Job) -> bool:
    """Whether a job stays after the visit."""
    return job.adopted or (job.state is JobState.DONE and job.expires is None)


class Visits:
    """When each job was last named by a page.

    Args:
        service: the server.
        seconds: time after which a job that no page has named is removed.
        now: clock in seconds.
    """

    def __init__(self, service: Service, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._service, self._seconds, self._now = service, seconds, now
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()

    def name(self, jobs: Iterable[str]) -> None:
        """Note that a page shows some jobs."""
        with self._lock:
            self._seen.update(dict.fromkeys(jobs, self._now()))

    def remove_unseen(self) -> int:
        """Remove jobs that no page has named for too long; the number of them."""
        now = self._now()
        with self._lock:
            jobs = [job for job in self._service.store.jobs(MAX_JOBS) if not is_kept(job)]
            self._seen = {job.id: self._seen.get(job.id, now) for job in jobs}
            unseen = [job for job in jobs if now - self._seen[job.id] > self._seconds]
        for job in unseen:
            delete_job(job, self._service)
        return len(unseen)

    def remove_all(self) -> int:
        """Remove every job that is not kept; the number of them."""
        jobs = [job for job in self._service.store.jobs(MAX_JOBS) if not is_kept(job)]
        for job in jobs:
            delete_job(job, self._service)
        return len(jobs)


class VisitThread:
    """Removes the jobs of visits that have ended, now and then.

    Args:
        visits: of the server.
    """

    def __init__(self, visits: Visits) -> None:
        self._visits, self._stop = visits, threading.Event()
        self._thread = threading.Thread(target=self._run, name="seac-visits", daemon=True)

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
                self._visits.remove_unseen()
            except Exception:
                logger.exception("jobs of ended visits could not be removed")
