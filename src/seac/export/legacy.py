"""Detection of results of versions without a record, by the ``result.json`` beside them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from PIL import Image
from pydantic import ValidationError

from seac.export.draw import MIN_SIDE
from seac.export.mask_images import palette
from seac.export.record import ClipRecord
from seac.media.container import media_url

MASK = re.compile(r"masks/(\d{6,})\.png")
TIMELINE_WIDTH, SHEET_WIDTH = 990, 1280


def find_legacy_files(folder: Path) -> Callable[[str], bool]:
    """A predicate: whether a file of the folder matches its ``result.json``, if that was written by seac.

    A mask must have the number of a frame of the record, the size of the record and seac's palette. A video
    must have the number of frames and the frame rate of the record. A plot must have seac's width.
    """
    path = folder / "result.json"
    try:
        if path.is_symlink():
            return lambda name: False
        record = ClipRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return lambda name: False
    return lambda name: name != record.source and _matches_record(folder, name, record)


def _matches_record(folder: Path, name: str, record: ClipRecord) -> bool:
    if name == "result.json":
        return True
    if name == "overlay.mp4":
        return _is_overlay_video(folder / name, len(record.frames), record.fps)
    mask = MASK.fullmatch(name)
    if mask is None and name not in ("overlay.png", "heatmap.png", "timeline.png", "sheet.png"):
        return False
    height, width = record.size
    try:
        with Image.open(folder / name) as image:
            if mask is not None:
                colours: Any = image.getpalette()
                has_palette = colours is not None and palette()[: len(colours)] == colours
                return int(mask[1]) < len(record.frames) and has_palette and image.size == (width, height)
            if name == "timeline.png":
                return image.width == TIMELINE_WIDTH and "Matplotlib" in str(image.info.get("Software"))
            if name == "sheet.png":
                return image.width == SHEET_WIDTH
            if name == "overlay.png":  # small frames are enlarged, and sides are even
                enlarge = max(1, -(-MIN_SIDE // max(record.size)))
                width, height = (side * enlarge + side * enlarge % 2 for side in (width, height))
            return record.source == "frame" and image.size == (width, height)
    except (OSError, ValueError, SyntaxError):
        return False


def _is_overlay_video(path: Path, frames: int, fps: float) -> bool:
    """Whether a video has the given number of frames and frame rate."""
    try:
        with av.open(media_url(path)) as container:
            stream = container.streams.video[0]
            rate = stream.average_rate
            return stream.frames == frames and rate is not None and abs(float(rate) - fps) < 0.01 * fps
    except (OSError, IndexError, ValueError):  # av.FFmpegError is one of these
        return False
