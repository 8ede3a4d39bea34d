"""``/v1/jobs``: upload, list, state, cancel, delete."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from seac.core.errors import InputError
from seac.serve.choices import Choices, JobChoices, parse_choices
from seac.serve.expiry import remove_job
from seac.serve.fetch import fetch_video
from seac.serve.http.errors import TEXTS, responses
from seac.serve.http.service import JobOf, Service, ServiceOf
from seac.serve.http.values import JobValue, job_value
from seac.serve.job_store import FINISHED, Job, JobState, QueueFullError, new_id
from seac.serve.uploads import STEM, check_free_space, check_upload, shown_name

router = APIRouter(tags=["jobs"])
FORM, JSON = "multipart/form-data", "application/json"
MAX_JSON_BYTES = 256 * 1024
CHUNK = 1 << 20
DEFAULTS = JobChoices.model_validate({})


class UrlRequest(Choices):
    """A video at an address."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    settings: JobChoices = DEFAULTS


def upload_schema() -> dict[str, Any]:
    """The request body for OpenAPI."""
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "settings": {"type": "string", "description": "JSON of JobChoices."},
        },
    }
    schema = UrlRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {"required": True, "content": {FORM: {"schema": form}, JSON: {"schema": schema}}}


@router.post(
    "/jobs",
    status_code=202,
    responses=responses(413, 415, 422, 429, 503),
    openapi_extra={"requestBody": upload_schema()},
)
async def add_job(request: Request, response: Response, service: ServiceOf) -> JobValue:
    """Upload a video, or name one at an allowed host; answers at once, the job waits in the queue."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (FORM, JSON):
        raise HTTPException(415, TEXTS[415])
    await run_in_threadpool(check_room, service, request)
    if kind == JSON:
        job = await run_in_threadpool(job_of_url, service, await read_json(request))
    else:
        async with request.form(max_files=1, max_fields=4, max_part_size=MAX_JSON_BYTES) as form:
            job = await run_in_threadpool(job_of_form, service, form)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_value(job)


@router.get("/jobs", responses=responses(403))
def list_jobs(service: ServiceOf) -> dict[str, list[JobValue]]:
    """The latest jobs, latest first, without their files."""
    if not service.settings.may_list:
        raise HTTPException(403, "jobs are not listed by a server without a token: ask by the id of a job")
    return {"jobs": [job_value(job, with_files=False) for job in service.store.jobs()]}


@router.get("/jobs/{job}", responses=responses(404))
def show_job(job: JobOf) -> JobValue:
    """The state of a job and its files."""
    return job_value(job)


@router.post("/jobs/{job}/cancel", responses=responses(404))
def cancel_job(job: JobOf, service: ServiceOf) -> JobValue:
    """Cancel a job that waits or runs; nothing happens to one that has ended."""
    service.store.cancel(job.id, service.settings.limits.keep_seconds)
    return job_value(service.store.get(job.id) or job)


@router.delete("/jobs/{job}", status_code=204, responses=responses(404))
def delete_job(job: JobOf, service: ServiceOf) -> None:
    """Cancel a job and remove its files; a folder that the server was started with stays."""
    if job.state not in FINISHED:
        service.store.cancel(job.id, 0)
    service.results.forget(job.id)
    remove_job(service.store, job)


def check_room(service: Service, request: Request) -> None:
    """Check queue and disk before a body is read.

    Raises:
        QueueFullError: too many jobs wait.
        HTTPException: 503, the disk is full.
    """
    limits = service.settings.limits
    if service.store.count(JobState.QUEUED) >= limits.queued_jobs:
        raise QueueFullError
    length = request.headers.get("content-length", "")
    try:
        check_free_space(service.settings.folder, int(length) if length.isdigit() else 0, limits)
    except OSError as error:
        raise HTTPException(503, f"no room for the video: {error}", {"Retry-After": "600"}) from None


async def read_json(request: Request) -> bytes:
    """The body of a request that is no file.

    Raises:
        HTTPException: 413, it is too long.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise HTTPException(413, "the JSON is too long: send at most 256 KiB")
    return body


def job_of_form(service: Service, form: FormData) -> Job:
    """A job of an uploaded file.

    Raises:
        InputError: there is no file, it is no video, or a setting is not valid.
        QueueFullError: too many jobs wait.
    """
    file, settings = form.get("file"), form.get("settings")
    if not isinstance(file, UploadFile):
        raise InputError("the form has no file: send the video as the field file")
    if unknown := set(form.keys()) - {"file", "settings"}:
        raise InputError(f"unknown field {min(unknown)!r}: send file and settings")
    if isinstance(settings, UploadFile):
        raise InputError("settings is a file: send it as a text of JSON")
    choices = parse_choices(JobChoices, settings) if settings else DEFAULTS

    def save(path: Path) -> None:
        with path.open("xb") as out:
            shutil.copyfileobj(file.file, out, CHUNK)

    return add_video(service, save, shown_name(file.filename), choices)


def job_of_url(service: Service, body: bytes) -> Job:
    """A job of a video at an address.

    Raises:
        InputError: the address is not allowed or not readable, or a setting is not valid.
        QueueFullError: too many jobs wait.
    """
    asked = parse_choices(UrlRequest, body)
    settings = service.settings

    def save(path: Path) -> None:
        fetch_video(asked.url, path, settings)

    return add_video(service, save, shown_name(asked.url.partition("?")[0]), asked.settings)


def add_video(service: Service, save: Any, name: str, choices: JobChoices) -> Job:
    """Save, check and queue a video.

    Args:
        service: the server.
        save: writes the video to a path.
        name: for display.
        choices: of the client.

    Raises:
        InputError: it is no video, or it exceeds a limit.
        QueueFullError: too many jobs wait.
    """
    job, limits = new_id(), service.settings.limits
    path, folder = service.incoming / job, service.jobs_folder / job
    if choices.exports is None:
        choices = choices.model_copy(update={"exports": service.settings.exports})
    try:
        save(path)
        upload = check_upload(path, limits)
        source = folder / f"{STEM}{upload.suffix}"
        folder.mkdir(mode=0o700)
        path.replace(source)
        return service.store.add(
            name, choices.model_dump(mode="json", exclude_none=True), folder, source, limits.queued_jobs
        )
    except BaseException:
        path.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        raise
