"""Jobs and exports as JSON values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from seac.serve.choices import JobChoices
from seac.serve.files import list_files, type_of
from seac.serve.job_store import Export, Job, JobState


class ErrorValue(BaseModel):
    """Why a request was refused."""

    error: str = Field(description="One line: what was given, what is needed, what to do.")


class ProgressValue(BaseModel):
    """Progress of a job."""

    stage: Literal["", "segment", "write"] = Field(description="Networks on key frames, then files.")
    done: float = Field(description="Seconds of video (segment) or frames (write).")
    total: float = Field(description="Of done; 0 if unknown.")
    frames_per_second: float = Field(description="Key frames (segment) or frames (write) per second.")
    key_frames: int = Field(description="Key frames that are done.")


class FileValue(BaseModel):
    """A file of a result."""

    name: str = Field(description="Path for GET files.")
    bytes: int
    type: str


class JobValue(BaseModel):
    """A job."""

    id: str
    state: JobState
    name: str
    settings: JobChoices
    progress: ProgressValue
    created: datetime
    started: datetime | None
    finished: datetime | None
    expires: datetime | None
    error: str | None
    files: list[FileValue]


class ExportValue(BaseModel):
    """Files of one format."""

    format: str
    state: JobState
    file: str | None = Field(description="Path for GET files; null before it is done.")
    current: bool = Field(description="Whether it shows the last decision.")
    error: str | None


def progress_value(job: Job) -> ProgressValue:
    """The progress of a job."""
    return ProgressValue(
        stage=job.stage,  # type: ignore[arg-type]  # pydantic checks it
        done=job.done,
        total=job.total,
        frames_per_second=job.rate,
        key_frames=job.key_frames,
    )


def job_value(job: Job, *, with_files: bool = True) -> JobValue:
    """A job; of a list, without its files."""
    files = list_files(job.folder) if with_files and job.state is JobState.DONE else []
    return JobValue(
        id=job.id,
        state=job.state,
        name=job.name,
        settings=JobChoices.model_validate(job.settings),
        progress=progress_value(job),
        created=_time(job.created),
        started=None if job.started is None else _time(job.started),
        finished=None if job.finished is None else _time(job.finished),
        expires=None if job.expires is None else _time(job.expires),
        error=job.error,
        files=[FileValue(name=name, bytes=size, type=type_of(name)) for name, size in files],
    )


def export_value(export: Export, decision: str) -> ExportValue:
    """An export.

    Args:
        export: from the store.
        decision: the last decision, as JSON.
    """
    return ExportValue(
        format=export.format,
        state=export.state,
        file=export.file,
        current=export.decision == decision,
        error=export.error,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
