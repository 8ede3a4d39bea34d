"""The application: routes, guards, and what runs beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from seac._version import __version__
from seac.serve.backends import Backend, LocalBackend
from seac.serve.expiry import ExpiryThread, remove_expired, remove_leftovers
from seac.serve.http import about, decisions, events, files, jobs, label_studio, masks
from seac.serve.http.errors import add_error_handlers, responses
from seac.serve.http.guards import BodyGuard, HeaderGuard, SiteGuard, TokenGuard
from seac.serve.http.service import Service
from seac.serve.job_store import JobStore
from seac.serve.results import Results
from seac.serve.settings import ServeSettings

PREFIX = "/v1"
LABEL_STUDIO = "/label-studio"
DESCRIPTION = """The pixels of what you hear: upload a video, follow its job, read its result.

Errors are `{"error": "one line"}`."""
ROUTERS = (jobs.router, events.router, files.router, decisions.router, masks.router, about.router)


def create_app(settings: ServeSettings, backend: Backend | None = None) -> FastAPI:
    """The HTTP service; its workers run as long as the application.

    Args:
        settings: of the server.
        backend: runs the jobs; processes of this machine if None.

    Raises:
        InputError: the folder cannot be written.
    """
    service = Service(settings, JobStore(settings.folder), Results(settings.model.weights_dir))
    runs = LocalBackend(settings) if backend is None else backend

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(remove_leftovers, service.store, service.jobs_folder, service.incoming)
        await run_in_threadpool(remove_expired, service.store)
        expiry = ExpiryThread(service.store)
        await run_in_threadpool(runs.start)
        expiry.start()
        try:
            yield
        finally:
            await run_in_threadpool(expiry.stop)
            await run_in_threadpool(runs.stop)

    app = FastAPI(
        title="seac",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # the pages of the interactive documentation load scripts of other hosts
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        responses=responses(400, 401, 403) if settings.token else responses(400, 403),
    )
    app.state.service = service
    add_error_handlers(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(label_studio.router, prefix=LABEL_STUDIO)
    add_guards(app, settings)
    return app


def add_guards(app: FastAPI, settings: ServeSettings) -> None:
    """Put the guards around an application; the last one that is added is the outermost."""
    app.add_middleware(
        BodyGuard, upload_bytes=settings.limits.upload_bytes, seconds=settings.limits.upload_seconds
    )
    if settings.token is not None:
        app.add_middleware(TokenGuard, token=settings.token)
    app.add_middleware(SiteGuard, hosts=settings.hosts, origins=settings.origins)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "Range"],
            expose_headers=["Location", "Retry-After", "Content-Range"],
        )
    app.add_middleware(HeaderGuard)
