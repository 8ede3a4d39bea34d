"""Results of versions that kept no record: files that fit the ``result.json`` beside them."""

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

MASK = re.compile(r"masks/(\d{6,})\.png")
TIMELINE_WIDTH, SHEET_WIDTH = 990, 1280


def written_earlier(folder: Path) -> Callable[[str], bool]:
    """Which files of a folder its ``result.json``, if it is one of ours, accounts for.

    A mask must be one of a frame of the record, with its size and our colours; a film must have a picture for
    each frame, at the record's rate; a drawing must be as wide as we draw it.
    """
    path = folder / "result.json"
    try:
        if path.is_symlink():
            return lambda name: False
        record = ClipRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return lambda name: False
    return lambda name: name != record.source and _accounted_for(folder, name, record)


def _accounted_for(folder: Path, name: str, record: ClipRecord) -> bool:
    if name == "result.json":
        return True
    if name == "overlay.mp4":
        return _is_film(folder / name, len(record.frames), record.fps)
    mask = MASK.fullmatch(name)
    if mask is None and name not in ("overlay.png", "heatmap.png", "timeline.png", "sheet.png"):
        return False
    height, width = record.size
    try:
        with Image.open(folder / name) as image:
            if mask is not None:
                colours: Any = image.getpalette()
                ours = colours is not None and palette()[: len(colours)] == colours
                return int(mask[1]) < len(record.frames) and ours and image.size == (width, height)
            if name == "timeline.png":
                return image.width == TIMELINE_WIDTH and "Matplotlib" in str(image.info.get("Software"))
            if name == "sheet.png":
                return image.width == SHEET_WIDTH
            if name == "overlay.png":  # drawn larger where it is small, and its sides made even
                enlarge = max(1, -(-MIN_SIDE // max(record.size)))
                width, height = (side * enlarge + side * enlarge % 2 for side in (width, height))
            return record.source == "frame" and image.size == (width, height)
    except (OSError, ValueError, SyntaxError):
        return False


def _is_film(path: Path, frames: int, fps: float) -> bool:
    """Whether a film has as many pictures as there were frames, at their rate."""
    try:
        with av.open(str(path)) as film:
            images = film.streams.video[0]
            rate = images.average_rate
            return images.frames == frames and rate is not None and abs(float(rate) / fps - 1) < 0.01
    except (OSError, IndexError, ValueError):  # av.FFmpegError is one of these
        return False
