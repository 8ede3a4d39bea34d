"""``/label-studio``: the machine learning backend of Label Studio, over the jobs of the service.

A prediction is a job. Label Studio waits for its answer; a job that takes longer continues, and the next
request for the same task finds it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from seac._version import __version__
from seac.core.errors import InputError
from seac.export.label_studio import MODEL_VERSION
from seac.results.decide import decide
from seac.serve.choices import JobChoices
from seac.serve.fetch import fetch_video
from seac.serve.files import EXPORTS
from seac.serve.http.errors import responses
from seac.serve.http.jobs import add_video
from seac.serve.http.service import Service, ServiceOf
from seac.serve.job_store import FINISHED, Export, Job, JobState, new_id
from seac.serve.label_studio import (
    AUDIO,
    Configuration,
    image_prediction,
    parse_configuration,
    video_prediction,
    write_still_video,
)
from seac.serve.uploads import shown_name

router = APIRouter(tags=["label studio"])
POLL_SECONDS = 0.2
MAX_TASKS = 100
FORMAT = "label-studio"


class Loose(BaseModel):
    """What Label Studio sends; fields that are not needed are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SetupRequest(Loose):
    """A project that is connected."""

    project: str = ""
    label_config: str | None = Field(None, alias="schema")
    hostname: str = ""
    access_token: str = Field("", max_length=4000)


class TaskValue(Loose):
    """A task: ``data`` holds the address of its video, or of its image and audio."""

    id: int | str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class PredictRequest(Loose):
    """Tasks to predict."""

    tasks: Annotated[list[TaskValue], Field(max_length=MAX_TASKS)] = Field(default_factory=list)
    project: str | None = None
    label_config: str | None = None


@router.get("/")
@router.get("/health")
def show_health() -> dict[str, str]:
    """Label Studio asks this before it connects a backend."""
    return {"status": "UP", "model_class": "seac", "version": __version__}


@router.post("/setup", responses=responses(422))
def set_up(asked: SetupRequest, service: ServiceOf) -> dict[str, str]:
    """Take the address of Label Studio and its token, with which files of tasks are read."""
    if asked.label_config:
        parse_configuration(asked.label_config)
    if asked.hostname:
        service.label_studio.connect(asked.hostname, asked.access_token)
    return {"model_version": MODEL_VERSION}


@router.get("/versions")
def list_versions() -> dict[str, list[str]]:
    """Versions of the model."""
    return {"versions": [MODEL_VERSION]}


@router.post("/webhook")
def take_webhook() -> dict[str, str]:
    """Label Studio tells of annotations; nothing is trained from them."""
    return {"result": "ok", "status": "ok"}


@router.post("/predict", responses=responses(413, 422, 429, 503))
def predict(asked: PredictRequest, service: ServiceOf) -> dict[str, list[dict[str, Any]]]:
    """A prediction for each task; 503 with Retry-After if that takes longer than Label Studio waits."""
    if asked.label_config is None:
        raise InputError("label_config is missing: Label Studio sends that of the project")
    configuration = parse_configuration(asked.label_config)
    deadline = time.monotonic() + service.settings.limits.predict_seconds
    keys = [add_task(service, configuration, task) for task in asked.tasks]
    return {"results": [predict_task(service, configuration, key, deadline) for key in keys]}


def add_task(service: Service, configuration: Configuration, task: TaskValue) -> str:
    """The key of the job of a task; it is begun unless it was before.

    Raises:
        InputError: the task has no address, or its file cannot be read.
    """
    link = service.label_studio
    names = (configuration.field, AUDIO) if configuration.image else (configuration.field,)
    addresses = [address_of(link.host, task, name) for name in names]
    key = hashlib.sha256(json.dumps([addresses, configuration.labels]).encode()).hexdigest()
    job = service.store.get(link.jobs.get(key, ""))
    if job is None or job.state in (JobState.FAILED, JobState.CANCELLED):
        # The vocabulary is checked as that of any other client.
        choices = JobChoices.model_validate({"vocabulary": configuration.labels, "exports": ()})
        name = shown_name(urlsplit(addresses[0]).path)
        link.remember(key, add_video(service, partial(save_task, service, key, addresses), name, choices).id)
    return key


def address_of(host: str, task: TaskValue, name: str) -> str:
    """The address of a file of a task.

    Raises:
        InputError: it has none.
    """
    given = task.data.get(name)
    if not isinstance(given, str) or not given:
        raise InputError(f"task {task.id}: data has no {name!r}; an image needs its {AUDIO!r} beside it")
    if given.startswith("/") and not host:
        raise InputError(f"task {task.id}: {name!r} is a file of Label Studio, which has not called setup")
    return urljoin(host, given)


def save_task(service: Service, key: str, addresses: list[str], path: Path) -> None:
    """Save the video of a task; an image and its audio become one.

    Raises:
        InputError: a file cannot be read.
    """
    link = service.label_studio

    def fetch(address: str, out: Path) -> None:
        fetch_video(address, out, service.settings, headers=link.headers_for(address))

    if len(addresses) == 1:
        fetch(addresses[0], path)
        return
    image, audio = (service.incoming / new_id() for _ in addresses)
    try:
        fetch(addresses[0], image)
        fetch(addresses[1], audio)
        link.sizes[key] = write_still_video(image, audio, path, service.settings.limits.video_seconds)
    finally:
        image.unlink(missing_ok=True)
        audio.unlink(missing_ok=True)


def predict_task(service: Service, configuration: Configuration, key: str, deadline: float) -> dict[str, Any]:
    """The prediction of a task whose job was begun.

    Raises:
        HTTPException: 503, it takes too long.
        InputError: the job failed.
    """
    link = service.label_studio
    job = wait_for(lambda: service.store.get(link.jobs[key]), deadline)
    if job is None or job.state is not JobState.DONE:
        raise InputError((job.error if job else None) or "the job was removed: ask again")
    result = service.results.open(job)
    if configuration.image:
        video = decide(result)
        return image_prediction(result, video, link.sizes[key], configuration)
    service.add_exports(job, (FORMAT,), service.decision(job))
    export = wait_for(lambda: exported(service, job), deadline)
    if export is None or export.file is None:
        raise InputError((export.error if export else None) or "the export was removed: ask again")
    (task,) = json.loads((job.folder / EXPORTS / FORMAT / FORMAT / "tasks.json").read_bytes())
    return video_prediction(task["predictions"][0]["result"], result.info.frame_rate, configuration)


def exported(service: Service, job: Job) -> Export | None:
    """The export of a job for Label Studio."""
    return next((each for each in service.store.exports(job.id) if each.format == FORMAT), None)


Waiting = TypeVar("Waiting", Job, Export)


def wait_for(ask: Callable[[], Waiting | None], deadline: float) -> Waiting | None:
    """A job or an export when it has ended; None if it was removed.

    Raises:
        HTTPException: 503, it has not ended in time.
    """
    while True:
        found = ask()
        if found is None or found.state in FINISHED:
            return found
        if time.monotonic() > deadline:
            raise HTTPException(503, "the prediction is not ready: ask again", {"Retry-After": "30"})
        time.sleep(POLL_SECONDS)
