"""The server of the page: the service with its guards, the routes of the page, and its files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from seac.app.routes import AppState, app_router
from seac.app.visits import Visits, VisitThread
from seac.results.reader import open_result
from seac.serve.backends import Backend
from seac.serve.http.application import PREFIX
from seac.serve.http.application import create_app as create_service
from seac.serve.http.service import Service
from seac.serve.settings import ServeSettings

PAGE = Path(__file__).parent / "page"
HEADERS: dict[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob: mediastream:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
"""Of the files of the page: no script but its own, no request to another origin, no frame around it."""
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
"""Types by suffix; the table of the system differs, and no browser runs a module of another type."""


@dataclass(frozen=True)
class AppSettings:
    """Settings of the page.

    Attributes:
        serve: of the service below it.
        opened: a result folder with which the page opens.
        visit_seconds: time after which a job that no page shows is removed.
        local: whether only this machine reaches the server.
    """

    serve: ServeSettings
    opened: Path | None = None
    visit_seconds: float = 300.0
    local: bool = True


class PageFiles(StaticFiles):
    """The files of the page with :data:`HEADERS`."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """See starlette."""
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        kind = TYPES.get(Path(path).suffix)
        if kind is not None and response.status_code == 200:
            response.headers["Content-Type"] = f"{kind}; charset=utf-8"
        return response


def create_app(settings: AppSettings, backend: Backend | None = None) -> FastAPI:
    """The page and its service.

    Args:
        settings: of both.
        backend: runs the jobs; processes of this machine if None.

    Raises:
        InputError: a folder cannot be written, or the folder to open holds no result.
    """
    app = create_service(settings.serve, backend)
    service: Service = app.state.service
    visits = Visits(service, settings.visit_seconds)
    opened = None if settings.opened is None else adopt_result(service, settings.opened)
    inner: Any = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        thread = VisitThread(visits)
        try:
            async with inner(app) as state:
                thread.start()
                yield state
        finally:
            await run_in_threadpool(thread.stop)
            await run_in_threadpool(visits.remove_all)

    app.router.lifespan_context = lifespan
    app.include_router(app_router(AppState(visits, opened, settings.local)), prefix=PREFIX)
    app.mount("/", PageFiles(directory=PAGE, html=True))
    return app


def adopt_result(service: Service, folder: Path) -> str:
    """The id of a job whose result is a folder that is there already.

    Raises:
        InputError: the folder holds no result.
    """
    result = open_result(folder)
    return service.store.adopt(folder.resolve(), Path(result.info.source)).id
