"""``/v1/health``, ``/v1/limits`` and ``/v1/formats``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from seac._version import __version__
from seac.export.about import About
from seac.export.table import exporter_classes, list_formats
from seac.serve.http.service import ServiceOf
from seac.serve.job_store import JobState
from seac.serve.uploads import SUFFIXES

router = APIRouter(tags=["server"])


@router.get("/health")
def show_health(service: ServiceOf) -> dict[str, str]:
    """Whether the server answers and its store can be read."""
    service.store.count(JobState.RUNNING)
    return {"status": "ok", "version": __version__}


@router.get("/limits")
def show_limits(service: ServiceOf) -> dict[str, Any]:
    """Limits of the server, the videos that it takes, and its queue."""
    settings = service.settings
    return {
        **asdict(settings.limits),
        "videos": sorted({suffix.removeprefix(".") for suffix in SUFFIXES.values()}),
        "url_hosts": list(settings.url_hosts),
        "exports": list(settings.exports),
        "workers": settings.workers,
        "queued": service.store.count(JobState.QUEUED),
        "running": service.store.count(JobState.RUNNING),
    }


@router.get("/formats")
def show_formats() -> dict[str, list[dict[str, Any]]]:
    """The formats that are made from a result, and the programs that open them."""
    formats = []
    for name, found in exporter_classes(list_formats()).items():
        about = getattr(found, "about", None)
        formats.append({"name": name, "opens": about.opens if isinstance(about, About) else ""})
    return {"formats": formats}
