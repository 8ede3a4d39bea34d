"""Limits of the service: what is refused, what is cut short, what is removed."""

from __future__ import annotations

from dataclasses import dataclass, fields

from seac.core.errors import InputError


@dataclass(frozen=True)
class ServeLimits:
    """Limits of the service; all are greater than 0.

    Attributes:
        upload_bytes: size of an uploaded file.
        video_seconds: duration of a video.
        frame_pixels: width times height of a frame.
        queued_jobs: jobs that wait; more are answered with 429.
        queued_exports: exports that wait; more are answered with 429.
        upload_seconds: time in which a request body must arrive, and a file of another host be read.
        job_seconds: time after which a running job fails.
        export_seconds: time after which a running export fails.
        keep_seconds: time after which a finished job is removed with its files.
        predict_seconds: time that Label Studio waits for its predictions.
        free_bytes: space on the disk that uploads leave free.
        tries: times that a job is started, if its worker dies.
    """

    upload_bytes: int = 500 * 2**20
    video_seconds: float = 600.0
    frame_pixels: int = 4096 * 2304
    queued_jobs: int = 20
    queued_exports: int = 20
    upload_seconds: float = 300.0
    job_seconds: float = 3600.0
    export_seconds: float = 1800.0
    keep_seconds: float = 24 * 3600.0
    predict_seconds: float = 90.0
    free_bytes: int = 2**30
    tries: int = 3

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not value > 0:
                raise InputError(f"limit {each.name} is {value!r}: give a number greater than 0")
