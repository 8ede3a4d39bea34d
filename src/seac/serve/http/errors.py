"""Errors as ``{"error": "one line"}``."""

from __future__ import annotations

import logging
import math
import re
from typing import Any, TypeAlias

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from seac.core.errors import InputError
from seac.core.text import one_line
from seac.serve.choices import explain_first
from seac.serve.http.service import Service
from seac.serve.http.values import ErrorValue
from seac.serve.job_store import QueueFullError
from seac.serve.uploads import TooLargeError

logger = logging.getLogger(__name__)
LETTERS = 500
MIN_RETRY_SECONDS, MAX_RETRY_SECONDS = 1, 3600
TEXTS: dict[int, str] = {
    400: "the request cannot be read",
    401: "a token is needed: send Authorization: Bearer TOKEN",
    403: "this web site may not use the service",
    404: "no such thing: it may have expired",
    409: "the job has no result",
    413: "the file or its content exceeds a limit; see /v1/limits",
    415: "send multipart/form-data with a file, or JSON with a url",
    422: "a value is not valid",
    429: "the queue is full; come back after the seconds of Retry-After",
    503: "the server has no room for the file",
}


Responses: TypeAlias = dict[int | str, dict[str, Any]]
"""Descriptions of answers by status."""


def responses(*codes: int) -> Responses:
    """Descriptions of error answers for OpenAPI."""
    return {code: {"model": ErrorValue, "description": TEXTS[code]} for code in codes}


def error_answer(status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as JSON."""
    return JSONResponse({"error": one_line(text, LETTERS)}, status, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error of a route with one line."""

    @app.exception_handler(StarletteHTTPException)
    async def http_error(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return error_answer(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        return error_answer(422, explain_first(error.errors()))

    @app.exception_handler(ValidationError)
    async def value_error(request: Request, error: ValidationError) -> JSONResponse:
        return error_answer(422, explain_first(error.errors()))

    @app.exception_handler(InputError)
    async def input_error(request: Request, error: InputError) -> JSONResponse:
        text = without_paths(str(error), request.app.state.service)
        return error_answer(413 if isinstance(error, TooLargeError) else 422, text)

    @app.exception_handler(QueueFullError)
    def queue_full(request: Request, error: QueueFullError) -> JSONResponse:
        seconds = retry_seconds(request.app.state.service)
        text = f"the queue is full: come back in {seconds} s"
        return error_answer(429, text, {"Retry-After": str(seconds)})

    @app.exception_handler(Exception)
    async def other_error(request: Request, error: Exception) -> JSONResponse:
        return error_answer(500, f"internal error ({type(error).__name__}); the log of the server says more")


def retry_seconds(service: Service) -> int:
    """Seconds in which a place in the queue should be free: the mean time of a job, by worker."""
    seconds = service.store.mean_seconds() / service.settings.workers
    return min(max(math.ceil(seconds), MIN_RETRY_SECONDS), MAX_RETRY_SECONDS)


def without_paths(text: str, service: Service) -> str:
    """A message without the folders of the server."""
    return re.sub(f"{re.escape(str(service.jobs_folder))}/[0-9a-f]+", "the result", text)


def not_found(text: str) -> HTTPException:
    """404 with a line."""
    return HTTPException(404, text)
