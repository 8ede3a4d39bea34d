"""What routes share: settings, store and results of a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from seac.results.decision_file import DecisionRecord, read_decision
from seac.serve.job_store import Export, Job, JobState, JobStore
from seac.serve.label_studio import LabelStudioLink
from seac.serve.results import Results
from seac.serve.settings import ServeSettings


@dataclass(frozen=True)
class Service:
    """A running server.

    Attributes:
        settings: of the server.
        store: the jobs.
        results: their results.
        label_studio: the Label Studio that uses the server.
    """

    settings: ServeSettings
    store: JobStore
    results: Results
    label_studio: LabelStudioLink = field(default_factory=LabelStudioLink)

    @property
    def jobs_folder(self) -> Path:
        """Folder of the result folders, each named by the id of its job."""
        return self.settings.folder / "jobs"

    def masks_folder(self, job: Job) -> Path:
        """Folder of the masks that players asked for; not in a result folder that was there before."""
        return self.settings.folder / "masks" / job.id if job.adopted else job.folder / ".masks"

    @property
    def incoming(self) -> Path:
        """Folder of uploads that are not complete."""
        return self.settings.folder / "incoming"

    def finished(self, job: Job) -> Job:
        """The job, if it has a result.

        Raises:
            HTTPException: 409, it has none.
        """
        if job.state is not JobState.DONE:
            raise HTTPException(409, f"the job is {job.state}: it has no result; see its events")
        return job

    def add_exports(self, job: Job, formats: tuple[str, ...], record: DecisionRecord) -> list[Export]:
        """Queue exports of a decision.

        Raises:
            QueueFullError: too many exports wait.
        """
        decision = record.model_dump_json()
        limit = self.settings.limits.queued_exports
        return [self.store.add_export(job.id, name, decision, limit) for name in formats]

    def decision(self, job: Job) -> DecisionRecord:
        """The last decision about a result."""
        return read_decision(job.folder)


def get_service(request: Request) -> Service:
    """The server of a request."""
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(get_service)]


def get_job(job: str, service: ServiceOf) -> Job:
    """The job of an address.

    Raises:
        HTTPException: 404, there is none.
    """
    found = service.store.get(job)
    if found is None:
        raise HTTPException(404, "no such job: it may have expired")
    return found


JobOf = Annotated[Job, Depends(get_job)]
