"""``/v1/jobs/{id}/events``: server-sent events of a job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from seac.serve.http.errors import responses
from seac.serve.http.service import JobOf, ServiceOf
from seac.serve.http.values import job_value
from seac.serve.job_store import FINISHED, Job, JobStore

router = APIRouter(tags=["jobs"])
POLL_SECONDS = 0.25
BEAT_SECONDS = 15.0
"""Time after which a comment is sent, so that proxies keep the connection."""


@router.get(
    "/jobs/{job}/events",
    responses={**responses(404), 200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    response_class=StreamingResponse,
)
async def stream_events(
    job: JobOf, service: ServiceOf, last_event_id: Annotated[str | None, Header(max_length=40)] = None
) -> StreamingResponse:
    """Events ``state``, ``progress`` and ``frame`` (a key frame is done), each with the job as its data.

    The id of an event is the version of the job: a client that comes back with ``Last-Event-ID`` gets what
    has changed since. The stream ends with the job.
    """
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
    stream = event_stream(service.store, job.id, seen)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def event_stream(store: JobStore, job: str, seen: int) -> AsyncIterator[str]:
    """The events of a job after version ``seen``, until it ends or is removed."""
    last: Job | None = None
    quiet = 0.0
    while True:
        now = await run_in_threadpool(store.get, job)
        if now is None:
            yield 'event: state\ndata: {"state":"removed"}\n\n'
            return
        if now.version > seen:
            yield event_text(now, last)
            seen, last, quiet = now.version, now, 0.0
        if now.state in FINISHED:
            return
        await asyncio.sleep(POLL_SECONDS)
        quiet += POLL_SECONDS
        if quiet >= BEAT_SECONDS:
            yield ": still there\n\n"
            quiet = 0.0


def event_text(job: Job, before: Job | None) -> str:
    """An event of a change.

    Args:
        job: as it is.
        before: as it was told last; None if it was not.
    """
    name = "progress"
    if before is None or before.state is not job.state:
        name = "state"
    elif before.key_frames != job.key_frames:
        name = "frame"
    data = job_value(job, with_files=job.state in FINISHED).model_dump_json()
    return f"id: {job.version}\nevent: {name}\ndata: {data}\n\n"
