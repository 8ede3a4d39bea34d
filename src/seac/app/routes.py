"""``/v1/app``: what the page needs beside the service: the example, the visit, keeping, the result folder."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.background import BackgroundTask

from seac.app.example import NAME, find_example
from seac.app.visits import Visits, is_kept
from seac.serve.choices import Choices, JobChoices
from seac.serve.files import list_files
from seac.serve.http.files import send_file
from seac.serve.http.jobs import add_video
from seac.serve.http.service import JobOf, ServiceOf
from seac.serve.http.values import JobValue, job_value


class Seen(Choices):
    """The jobs that a page shows."""

    jobs: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=200)] = ()


@dataclass(frozen=True)
class AppState:
    """What the routes of the page share.

    Attributes:
        visits: of the server.
        opened: id of the job of the folder with which the command was started.
        local: whether only this machine reaches the server; paths are then shown.
    """

    visits: Visits
    opened: str | None
    local: bool


def app_router(state: AppState) -> APIRouter:
    """The routes of the page."""
    router = APIRouter(prefix="/app", tags=["page"])

    @router.get("")
    def show_app(service: ServiceOf) -> dict[str, Any]:
        """What the page shows first."""
        limits = service.settings.limits
        return {
            "limits": {"bytes": limits.upload_bytes, "seconds": limits.video_seconds},
            "example": find_example() is not None,
            "opened": state.opened,
        }

    @router.post("/example", status_code=202)
    def add_example(choices: JobChoices, service: ServiceOf) -> JobValue:
        """Queue the example clip."""
        example = find_example()
        if example is None:
            raise HTTPException(404, "this installation has no example clip: choose a file")
        return job_value(add_video(service, lambda path: shutil.copyfile(example, path), NAME, choices))

    @router.post("/seen", status_code=204)
    def name_jobs(seen: Seen) -> None:
        """Say which jobs a page shows; those that no page names are removed after some minutes."""
        state.visits.name(seen.jobs)

    @router.get("/jobs/{job}")
    def show_job(job: JobOf, service: ServiceOf) -> dict[str, Any]:
        """Whether a job is kept, its folder, and how many jobs are before it in the queue."""
        state.visits.name([job.id])
        return {
            "kept": "opened" if job.adopted else is_kept(job),
            "folder": str(job.folder) if state.local else "",
            "before": service.store.count_before(job.id),
        }

    @router.post("/jobs/{job}/keep")
    def keep_job(job: JobOf, service: ServiceOf) -> dict[str, bool]:
        """Keep a finished job after the visit."""
        service.store.keep(service.finished(job).id)
        return {"kept": True}

    @router.get("/jobs/{job}/result.zip")
    def read_folder(job: JobOf, service: ServiceOf) -> FileResponse:
        """The result folder as one file."""
        service.finished(job)
        return _zip(job.folder, Path(job.name).stem)

    @router.get("/jobs/{job}/audio")
    def read_audio(job: JobOf, service: ServiceOf) -> FileResponse:
        """The audio of a still image, which a player repeats to its end."""
        audio = service.results.open(service.finished(job)).info.audio
        if audio is None or not Path(audio).is_file():
            raise HTTPException(404, "the audio is not there any more")
        return send_file(Path(audio))

    return router


def _zip(folder: Path, name: str) -> FileResponse:
    """The files of a folder in a temporary zip file, which is removed once it is sent."""
    with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as file:
        path = Path(file.name)
        with zipfile.ZipFile(file, "w") as archive:  # videos and Parquet do not compress
            for each, _ in list_files(folder):
                archive.write(folder / each, each)
    remove = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/zip", filename=f"{name}.zip", background=remove)
