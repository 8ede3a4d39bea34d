"""``masks/``: one indexed PNG per frame; 0 is background, ``id % 255 + 1`` the sounding object."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seac.core.result import FrameResult
from seac.export.draw import colour
from seac.export.writer import Clip


def palette() -> list[int]:
    """RGB values of the 256 indices: black, then the colours of the ids in the overlay."""
    return [0, 0, 0] + [part for number in range(255) for part in colour(number)]


def instance_map(result: FrameResult) -> NDArray[np.uint8]:
    """(H, W) uint8: the sounding object at each pixel; of overlapping objects, the most probable."""
    canvas = np.zeros(result.masks.shape[1:], np.uint8)
    for row in reversed(result.display_rows()):
        canvas[result.masks[row]] = int(result.ids[row]) % 255 + 1
    return canvas


class MaskImages:
    """Writes one PNG per result, numbered from 0."""

    files = ("masks/[0-9][0-9][0-9][0-9][0-9][0-9]*.png",)

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._folder = folder / "masks"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._count = 0

    def add(self, result: FrameResult) -> None:
        """Write the PNG of a frame."""
        image = Image.fromarray(instance_map(result), mode=None)
        image.putpalette(palette())
        image.save(self._folder / f"{self._count:06d}.png", optimize=False)
        self._count += 1

    def close(self) -> None:
        """Do nothing: all files are complete."""
