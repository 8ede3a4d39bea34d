"""``/v1/jobs/{id}/result``, ``decide`` and ``exports``: what is seen without running the networks again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from seac.serve.choices import Choices, DecisionChoices, check_formats
from seac.serve.http.errors import responses
from seac.serve.http.service import JobOf, ServiceOf
from seac.serve.http.values import ExportValue, export_value
from seac.serve.job_store import JobState

router = APIRouter(tags=["results"])


class ExportRequest(Choices):
    """Formats to be made."""

    format: str


@router.get("/jobs/{job}/result", responses=responses(404, 409, 422))
def show_result(job: JobOf, service: ServiceOf) -> dict[str, Any]:
    """What a player needs: video, tracks and their probability in steps, audio, and the last decision."""
    return service.results.describe(service.finished(job))


@router.get("/jobs/{job}/evidence", responses=responses(404, 409, 422))
def show_evidence(job: JobOf, service: ServiceOf) -> dict[str, Any]:
    """What a client needs to decide by itself: exact probabilities, and which masks cover one another."""
    return service.results.evidence(service.finished(job))


@router.post("/jobs/{job}/decide", responses=responses(404, 409, 422, 429))
def decide_again(choices: DecisionChoices, job: JobOf, service: ServiceOf) -> dict[str, Any]:
    """Decide which tracks sound when; no network runs. Formats of ``write`` are made as by ``exports``."""
    record = choices.record()
    answer = service.results.decide(service.finished(job), record)
    made = service.add_exports(job, choices.write, record)
    decision = record.model_dump_json()
    return {**answer, "exports": [export_value(each, decision).model_dump(mode="json") for each in made]}


@router.get("/jobs/{job}/exports", responses=responses(404, 409))
def list_exports(job: JobOf, service: ServiceOf) -> dict[str, list[ExportValue]]:
    """The formats that were asked for, and how far they are."""
    decision = service.decision(service.finished(job)).model_dump_json()
    return {"exports": [export_value(each, decision) for each in service.store.exports(job.id)]}


@router.post("/jobs/{job}/exports", status_code=202, responses=responses(404, 409, 422, 429))
def add_export(asked: ExportRequest, job: JobOf, service: ServiceOf, response: Response) -> ExportValue:
    """Make a format from the last decision: 202 while it is made, 200 with its file when it is there.

    Several files become one zip file.
    """
    formats = check_formats((asked.format,))
    record = service.decision(service.finished(job))
    (export,) = service.add_exports(job, formats, record)
    if export.state is JobState.DONE:
        response.status_code = 200
    return export_value(export, record.model_dump_json())
