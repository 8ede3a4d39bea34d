"""The masks of a frame one by one, with names, boxes and coordinates as annotation formats need them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seac.core.pixels import resize_nearest
from seac.results.values import DecidedVideo, FrameMasks, VideoInfo

JPEG_QUALITY = 95
Number = TypeVar("Number", bound=np.integer[Any])

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Instance:
    """A mask of a frame.

    Attributes:
        track: number of the track.
        name: name of the track.
        probability: that it sounds.
        mask: (H, W) bool with at least one pixel.
    """

    track: int
    name: str
    probability: float
    mask: NDArray[np.bool_]


def instances(
    video: DecidedVideo, frame: FrameMasks, size: tuple[int, int] | None = None
) -> Iterator[Instance]:
    """The masks of a frame that have a pixel, likeliest first.

    Args:
        video: the decided video, which names the tracks.
        frame: the frame.
        size: (height, width) to which masks are resized (nearest); None keeps ``VideoInfo.size``. A mask
            that a smaller size would empty is left out.
    """
    names = {track.id: track.name for track in video.tracks}
    for track, mask, probability in zip(frame.tracks, frame.masks, frame.probability, strict=True):
        resized = mask if size is None else resize_nearest(mask, size).astype(np.bool_)
        if resized.any():
            yield Instance(int(track), names[int(track)], float(probability), resized)


def mask_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """(x1, y1, x2, y2) of the pixels of a mask (H, W) that is not empty; x2 and y2 are exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def run_lengths(pixels: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lengths of the runs of equal values of pixels (S,) bool, in order."""
    changes = np.flatnonzero(np.diff(pixels)) + 1
    return np.diff(np.concatenate([[0], changes, [pixels.size]]))


def category_numbers(video: DecidedVideo) -> dict[str, int]:
    """Numbers from 1 of the names, in order of the tracks; tracks of one name share a number."""
    names = dict.fromkeys(track.name for track in video.tracks)
    return {name: number for number, name in enumerate(names, 1)}


def label_colours(video: DecidedVideo) -> dict[str, str]:
    """Colour ``#rrggbb`` of each name, that of its first track; names as :func:`clean` writes them."""
    colours: dict[str, str] = {}
    for track in video.tracks:
        colours.setdefault(clean(track.name), "#{:02x}{:02x}{:02x}".format(*track.colour))
    return colours


def clean(text: str) -> str:
    """``text`` with U+FFFD for the characters that XML does not admit."""
    return _NOT_XML.sub("\ufffd", text)


def paint_numbers(frame: FrameMasks, numbers: dict[int, int]) -> NDArray[np.int64]:
    """(H, W) int64: at each pixel the number of the likeliest track there, 0 without one.

    Args:
        frame: the frame.
        numbers: number of each track.
    """
    return paint(frame.masks, np.array([numbers[int(track)] for track in frame.tracks], np.int64))


def paint(masks: NDArray[np.bool_], values: NDArray[Number]) -> NDArray[Number]:
    """(H, W) of the type of the values: at each pixel the value of the first mask there, 0 without one.

    Args:
        masks: (n, H, W) bool.
        values: (n,) value of each mask.
    """
    canvas = np.zeros(masks.shape[1:], values.dtype)
    for mask, value in zip(masks[::-1], values[::-1], strict=True):
        canvas[mask] = value
    return canvas


def need_image(frame: FrameMasks) -> NDArray[np.uint8]:
    """The image of a frame, which comes with it where ``Exporter.images`` asks for it."""
    assert frame.image is not None
    return frame.image


def save_jpeg(frame: FrameMasks, path: Path) -> None:
    """Write the image of a frame as JPEG."""
    Image.fromarray(need_image(frame)).save(path, quality=JPEG_QUALITY)


class FrameNumbers:
    """Numbers from 0 that name the files of frames: that of the frame in the source.

    The frames of a still image all have number 0 in the source; they are counted instead.
    """

    def __init__(self, info: VideoInfo) -> None:
        self._still = info.still
        self._count = 0

    def next(self, frame: FrameMasks) -> int:
        """The number of the next frame."""
        number = self._count if self._still else frame.index
        self._count += 1
        return number


def file_name(text: str, fallback: str = "video") -> str:
    """``text`` as a name of a file that every system takes: letters, digits, ``.``, ``-`` and ``_``.

    Example:
        >>> file_name('a/b: "c"'), file_name("..")
        ('a_b_c', 'video')
    """
    kept = "".join(c if c.isalnum() or c in "-_." else " " for c in text)
    return "_".join(kept.split())[:60].strip(". ") or fallback
