"""``masks/``: one indexed PNG per key frame; 0 is background, ``track % 255 + 1`` the sounding track."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seac.core.result import FrameResult
from seac.export.instances import paint
from seac.results.palette import colour
from seac.results.values import DecidedVideo, FrameMasks


def palette() -> list[int]:
    """RGB values of the 256 indices: black, then the colours of the tracks in the overlay."""
    return [0, 0, 0] + [part for number in range(255) for part in colour(number)]


def instance_map(masks: NDArray[np.bool_], tracks: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(H, W) uint8: the sounding track at each pixel; of overlapping masks, the first.

    Args:
        masks: (n, H, W) bool, likeliest first.
        tracks: (n,) int64.
    """
    return paint(masks, (tracks % 255 + 1).astype(np.uint8))


def save_map(canvas: NDArray[np.uint8], path: Path) -> None:
    """Write an instance map (H, W) uint8 as a PNG with :func:`palette`."""
    image = Image.fromarray(canvas)
    image.putpalette(palette())
    image.save(path, optimize=False)


class MaskImages:
    """Writes one PNG per key frame, numbered from 0 in their order."""

    files: ClassVar[tuple[str, ...]] = ("masks/[0-9][0-9][0-9][0-9][0-9][0-9]*.png",)
    images: ClassVar[bool] = False
    every_frame: ClassVar[bool] = False

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._folder = folder / "masks"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._count = 0

    def add(self, frame: FrameMasks) -> None:
        """Write the PNG of a key frame."""
        save_map(instance_map(frame.masks, frame.tracks), self._folder / f"{self._count:06d}.png")
        self._count += 1

    def close(self) -> None:
        """Do nothing: all files are complete."""


def save_masks(result: FrameResult, folder: Path) -> None:
    """Write the masks worth showing of one result as ``masks/000000.png``."""
    rows = result.display_rows()
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    save_map(instance_map(result.masks[rows], result.ids[rows]), folder / "masks/000000.png")
