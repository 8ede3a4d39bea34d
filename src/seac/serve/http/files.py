"""``/v1/jobs/{id}/files``, ``source`` and ``preview.jpg``: files, also in ranges."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from seac.serve.files import PREVIEW, find_file, type_of
from seac.serve.http.errors import Responses, not_found, responses
from seac.serve.http.service import JobOf

router = APIRouter(tags=["files"])
POLICY = "sandbox allow-scripts; default-src 'self' 'unsafe-inline' data: blob:; form-action 'none'"
"""Of every file: a page among them acts as one of another site."""
CONTENT: Responses = {200: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}}
PARTS: Responses = {206: {"description": "The part that the header Range asks for."}}
RANGES: Responses = {416: {"description": "The file has no such part."}}


def send_file(path: Path, *, download: bool = False) -> FileResponse:
    """A file; its name says its type, and no browser guesses another."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-cache"}
    disposition = "attachment" if download else "inline"
    return FileResponse(
        path,
        media_type=type_of(path.name),
        headers=headers,
        filename=path.name,
        content_disposition_type=disposition,
    )


@router.get(
    "/jobs/{job}/files/{path:path}",
    responses={**responses(404), **CONTENT, **PARTS, **RANGES},
    response_class=FileResponse,
)
def read_file(job: JobOf, path: str, download: bool = False) -> FileResponse:
    """A file of the result, or the part that ``Range`` asks for; ``download=true`` makes browsers save it."""
    found = find_file(job.folder, path)
    if found is None:
        raise not_found("no such file in this result: GET the job for their names")
    return send_file(found, download=download)


@router.get(
    "/jobs/{job}/source",
    responses={**responses(404), **CONTENT, **PARTS, **RANGES},
    response_class=FileResponse,
)
def read_source(job: JobOf) -> FileResponse:
    """The video of a job."""
    if not job.source.is_file():
        raise not_found("the video is not there any more")
    return send_file(job.source)


@router.get("/jobs/{job}/preview.jpg", responses={**responses(404), **CONTENT}, response_class=FileResponse)
def read_preview(job: JobOf) -> FileResponse:
    """The latest key frame with its masks, while the job runs."""
    found = find_file(job.folder, PREVIEW)
    if found is None:
        raise not_found("no key frame is done yet")
    return send_file(found)
