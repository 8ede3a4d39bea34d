"""``/v1/jobs/{id}/masks`` and ``key-masks``: masks for a player. No network runs; parts are kept on disk."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response

from seac.core.atomic import write_atomic
from seac.core.errors import InputError
from seac.results.reader import VideoResult
from seac.results.schema import MANIFEST, STORE
from seac.serve.http.errors import responses
from seac.serve.http.service import JobOf, ServiceOf
from seac.video.excerpt import (
    excerpt_bounds,
    excerpt_frames,
    likely_tracks,
    part_at,
    small_codes,
    small_size,
)

SECONDS = 2.0
"""Least length of a part; the first one is to come within a second or two."""
MAX_SECONDS = 30.0
"""Greatest range of one request."""
MIN_PROBABILITY = 0.05
"""Tracks that are never so likely are carried only for requests that name them."""
MAX_TIME = 1e6
MAX_TRACKS = 50
MAX_KEYS = 60
"""Greatest number of key frames of one request."""
VERSION = 1
"""Of the kept parts; raised when their masks change."""

router = APIRouter(tags=["masks"])
one_at_a_time = threading.Lock()
"""Parts are made one after another: a player asks for the next one while it waits for this one."""


@router.get("/jobs/{job}/masks", responses=responses(404, 409, 422))
def show_masks(
    job: JobOf,
    service: ServiceOf,
    start: Annotated[float, Query(alias="from", ge=0, le=MAX_TIME, description="Seconds.")] = 0.0,
    stop: Annotated[float | None, Query(alias="to", ge=0, le=MAX_TIME, description="Seconds.")] = None,
    tracks: Annotated[
        str, Query(max_length=1000, description="Numbers of tracks, such as 3,5; all likely ones if empty.")
    ] = "",
) -> Response:
    """Masks of every frame of the parts of the video that meet a range, by track.

    Masks are in COCO's compressed run-length code, of ``size`` (height, width).
    """
    result = service.results.open(service.finished(job))
    chosen = _chosen_tracks(result, tracks)
    parts = _parts(result, start, start + SECONDS if stop is None else stop)
    with one_at_a_time:
        texts = [_part(result, part, chosen, service.masks_folder(job)) for part in parts]
    return Response(_join(result, parts, texts), media_type="application/json")


@router.get("/jobs/{job}/key-masks", responses=responses(404, 409, 422))
def show_key_masks(
    job: JobOf,
    service: ServiceOf,
    start: Annotated[float, Query(alias="from", ge=0, le=MAX_TIME, description="Seconds.")] = 0.0,
    stop: Annotated[float, Query(alias="to", ge=0, le=MAX_TIME, description="Seconds.")] = 0.0,
    every: Annotated[bool, Query(alias="all", description="Whether improbable masks are given too.")] = False,
) -> dict[str, Any]:
    """Masks of the key frames in a range, by track, best proposal first; they come soonest.

    Without a key frame in the range, that which is nearest to its beginning is given.
    """
    result = service.results.open(service.finished(job))
    chosen = None if every else frozenset(likely_tracks(result, MIN_PROBABILITY))
    frames = [result.key_frame(position) for position in _positions(result, start, stop)]
    return {
        "size": list(small_size(result)),
        "frames": [
            {"time": round(frame.time, 6), "masks": _texts(small_codes(result, frame, chosen))}
            for frame in frames
        ],
    }


def _texts(codes: Mapping[int, bytes]) -> dict[str, str]:
    return {str(track): code.decode("ascii") for track, code in codes.items()}


def _chosen_tracks(result: VideoResult, given: str) -> Mapping[int, tuple[float, float]]:
    """First and last second of the tracks of a request.

    Raises:
        InputError: a part is no number of a track, or there are too many.
    """
    if not given:
        return likely_tracks(result, MIN_PROBABILITY)
    parts, known = given.split(","), {track.id for track in result.tracks}
    if len(parts) > MAX_TRACKS:
        raise InputError(f"tracks names {len(parts)}: give at most {MAX_TRACKS}")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 and int(part) in known for part in parts):
        raise InputError("tracks names none of the result: give numbers of its tracks, such as 1,2")
    return {int(part): (0.0, np.inf) for part in parts}


def _positions(result: VideoResult, start: float, stop: float) -> list[int]:
    """Positions of the key frames in a range of seconds, or of the nearest one, at most :data:`MAX_KEYS`."""
    if not len(result):
        return []
    found = np.flatnonzero((result.times >= start - 1e-6) & (result.times <= stop + 1e-6))[:MAX_KEYS].tolist()
    return found or [int(np.abs(result.times - start).argmin())]


def _parts(result: VideoResult, start: float, stop: float) -> list[tuple[int, int]]:
    """The parts that meet a range of seconds.

    Raises:
        InputError: the range is empty or too long.
    """
    if not start < stop <= start + MAX_SECONDS:
        raise InputError(
            f"from {start:g} to {stop:g}: give a range of more than 0 and at most {MAX_SECONDS:g} seconds"
        )
    bounds = excerpt_bounds(result, SECONDS)
    if len(bounds) < 2:
        return []
    found = [part_at(result, bounds, start)]
    while found[-1][1] < len(result) and result.times[found[-1][1]] < stop:
        found.append((found[-1][1], bounds[bounds.index(found[-1][1]) + 1]))
    return found


def _part(
    result: VideoResult, part: tuple[int, int], tracks: Mapping[int, tuple[float, float]], cache: Path
) -> str:
    """The frames of a part as JSON, from the cache if they are there."""
    names = ",".join(map(str, sorted(tracks)))
    stamp = (result.folder / STORE / MANIFEST).stat().st_mtime_ns
    key = hashlib.sha256(f"{VERSION} {stamp} {names}".encode()).hexdigest()[:16]
    path = cache / f"{part[0]}-{part[1]}-{key}.json"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    frames = [
        {
            "time": round(frame.time, 6),
            "masks": _texts(frame.codes),
        }
        for frame in excerpt_frames(result, part, tracks)
    ]
    text = json.dumps(frames, separators=(",", ":"))
    write_atomic(path, text)
    return text


def _join(result: VideoResult, parts: list[tuple[int, int]], texts: list[str]) -> str:
    """The answer: what the parts cover, and their frames."""
    duration = max(result.info.duration, len(result.steps) * 0.1)
    first = 0.0 if not parts or parts[0][0] == 0 else float(result.times[parts[0][0]])
    ends = parts[-1][1] if parts else len(result)
    last = float(result.times[ends]) if ends < len(result) else duration
    head = json.dumps({"from": round(first, 6), "to": round(last, 6), "size": list(small_size(result))})
    frames = ",".join(text[1:-1] for text in texts if len(text) > 2)
    return f'{head[:-1]}, "frames": [{frames}]}}'
