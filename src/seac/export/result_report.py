"""``report.html``: one page with the video, the lanes of its tracks and their outlines; it loads nothing.

Style and script are inlined, and a Content-Security-Policy admits these two by their hash and nothing else,
so that no text of others can run. The overlay, or the source where there is no overlay, is held in the page
up to :data:`EMBED_LIMIT`; a larger overlay is played from beside the page.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from markupsafe import Markup

from seac.core.errors import InputError
from seac.export.lanes import FLOOR, Lane, off_screen_lanes, track_lanes
from seac.export.outlines import mask_outlines
from seac.export.timeline import clock
from seac.media.container import open_container
from seac.results.events import events_of
from seac.results.values import STEP, DecidedVideo, FrameMasks

ASSET = "assets/result_report"
OVERLAY = "overlay.mp4"
MEDIA_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
"""Files that browsers play."""
EMBED_LIMIT = 20_000_000
"""Greatest bytes of a video that is held in the page."""
OUTLINE_LIMIT = 6_000_000
"""Greatest letters of outlines; beyond, every second frame is dropped, again and again."""
MIN_INTERVAL = 0.19
"""Least seconds between two frames with outlines, unless other tracks sound."""
MAX_ROWS = 2000
"""Greatest number of rows of the table of events."""


class OutlineTrack:
    """Outlines over time, as JSON; its size is bounded however long the video is."""

    def __init__(self, limit: int = OUTLINE_LIMIT) -> None:
        self._limit, self._letters = limit, 0
        self._every, self._count = 1, 0
        self._frames: list[str] = []
        self._last: tuple[float, tuple[int, ...]] | None = None

    def add(self, frame: FrameMasks) -> None:
        """Take a frame; of frames without sounding masks in a row, only the first is kept."""
        tracks = tuple(frame.tracks.tolist())
        if self._last is not None:
            time, shown = self._last
            if tracks == shown and (not tracks or frame.time - time < MIN_INTERVAL):
                return
        self._last = frame.time, tracks
        self._count += 1
        if (self._count - 1) % self._every:
            return
        rows = [
            [track, mask_outlines(mask)]
            for track, mask in zip(tracks, frame.masks, strict=True)
            if mask.any()
        ]
        text = json.dumps([round(frame.time, 3), rows], separators=(",", ":"))
        self._frames.append(text)
        self._letters += len(text) + 1
        while self._letters > self._limit and len(self._frames) > 1:
            self._frames, self._every = self._frames[::2], self._every * 2
            self._letters = sum(len(text) + 1 for text in self._frames)

    def json(self) -> str:
        """``[[seconds, [[track, [polygon, ...]], ...]], ...]``, polygons as of :func:`mask_outlines`."""
        return f"[{','.join(self._frames)}]"


class ResultReport:
    """Writes ``report.html``; the overlay, if there is one, must be closed before.

    Key frames are enough; every frame makes outlines follow motion more closely.

    Args:
        folder: where the page is written, and where the overlay is.
        video: the decided video.
        embed_limit: greatest bytes of a video that is held in the page.
    """

    files = ("report.html",)
    images = False
    every_frame = False

    def __init__(self, folder: Path, video: DecidedVideo, *, embed_limit: int = EMBED_LIMIT) -> None:
        self._folder, self._video, self._embed_limit = folder, video, embed_limit
        self._outlines = OutlineTrack()

    def add(self, frame: FrameMasks) -> None:
        """Take the outlines of a frame."""
        self._outlines.add(frame)

    def close(self) -> None:
        """Write the page."""
        style, script = _asset("css"), _asset("js")
        events = events_of(self._video)
        lanes = (*track_lanes(self._video), *off_screen_lanes(self._video))
        template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
            _asset("html.j2")
        )
        page = template.stream(
            title=Path(self._video.info.source).name,
            counts=_counts(self._video, lanes),
            style=Markup(style),  # nosec B704
            script=Markup(script),  # nosec B704
            style_hash=_hash(style),
            script_hash=_hash(script),
            content=Markup(self._content(lanes)),  # nosec B704
            media=self._media(),
            overlay=OVERLAY,
            events=[
                (event, clock(event.start, STEP), clock(event.stop, STEP)) for event in events[:MAX_ROWS]
            ],
            left_out=max(0, len(events) - MAX_ROWS),
        )
        with (self._folder / "report.html").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(page)

    def _content(self, lanes: Sequence[Lane]) -> str:
        """What the script draws, as JSON that is safe in a script element."""
        height, width = self._video.info.size
        content = {
            "size": [width, height],
            "duration": round(max(self._video.info.duration, len(self._video.level) * STEP), 3),
            "step": STEP,
            "floor": FLOOR,
            "level": np.nan_to_num(self._video.level, nan=FLOOR).clip(FLOOR, 0).round().astype(int).tolist(),
            "cuts": [round(cut, 3) for cut in self._video.cuts],
            "lanes": [_lane_content(lane) for lane in lanes],
        }
        text = json.dumps(content, separators=(",", ":"))
        text = f'{text[:-1]},"outlines":{self._outlines.json()}}}'
        return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")

    def _media(self) -> dict[str, str] | None:
        """Type and base64 of the video in the page; None if it is played from beside the page."""
        overlay, source = self._folder / OVERLAY, Path(self._video.info.source)
        path = overlay if overlay.exists() else source
        kind = MEDIA_TYPES.get(path.suffix.lower())
        if kind is None or not _is_playable(path, self._embed_limit):
            return None
        return {"type": kind, "text": base64.b64encode(path.read_bytes()).decode("ascii")}


def _is_playable(path: Path, limit: int) -> bool:
    """Whether a file is a complete video of at most ``limit`` bytes."""
    try:
        if not path.is_file() or path.stat().st_size > limit:
            return False
        with open_container(path) as container:
            return bool(container.streams.video)
    except (OSError, InputError):
        return False


def _lane_content(lane: Lane) -> dict[str, Any]:
    return {
        "name": lane.name,
        "track": lane.track,
        "colour": "#{:02x}{:02x}{:02x}".format(*lane.colour),
        "spans": [
            [round(span.start, 3), round(span.stop, 3), round(span.probability, 2), round(span.level, 1)]
            for span in lane.spans
        ],
    }


def _counts(video: DecidedVideo, lanes: Sequence[Lane]) -> str:
    tracks = sum(lane.track is not None for lane in lanes)
    others = len(lanes) - tracks
    return (
        f"{clock(video.info.duration, STEP)}{' s' if video.info.duration < 60 else ''}, "
        f"{tracks} sounding track{'' if tracks == 1 else 's'}, "
        f"{others} off-screen class{'' if others == 1 else 'es'}"
    )


def _asset(ending: str) -> str:
    return package_files("seac").joinpath(f"{ASSET}.{ending}").read_text(encoding="utf-8")


def _hash(text: str) -> Markup:
    """The source of a Content-Security-Policy that admits an element with this text."""
    return (
        Markup("'sha256-") + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + Markup("'")
    )
