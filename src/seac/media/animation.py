"""Animated images (GIF, WebP, APNG, AVIF) as frames with times, like those of a video."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageSequence

from seac.core.errors import InputError
from seac.media.damage import Damage
from seac.media.image import ImageKind, as_image, image_kind, open_image

CLOCK = Fraction(1, 1000)
"""Unit of durations of animated images."""
DEFAULT_LENGTH, SHORTEST = 100, 10
"""Milliseconds of an image that names at most the second; browsers show it so."""


def is_animation(path: Path) -> bool:
    """Whether a file is an animated image, whatever its name."""
    return image_kind(path) is ImageKind.ANIMATION


def animation_frames(path: Path, damage: Damage | None = None) -> Iterator[av.VideoFrame]:
    """The images of an animation, once, as frames with timestamps and durations.

    Transparent pixels are blended with grey.

    Args:
        path: the file.
        damage: told if the file breaks off.

    Raises:
        InputError: no image can be decoded.
    """
    time, given = 0, False
    with open_image(path) as image:
        pages = ImageSequence.Iterator(image)
        hidden = bool(image.info.get("default_image"))  # of an APNG, for programs that do not know APNG
        while True:
            try:
                page = next(pages, None)
                if page is None:
                    break
                if hidden:
                    hidden = False
                    continue
                pixels = as_image(page, max(page.size)).permute(1, 2, 0).numpy()
            except (OSError, SyntaxError, ValueError) as error:
                if not given:
                    raise InputError(f"{path}: no image of it can be decoded; repair the file") from error
                (damage or Damage()).count("video")
                return
            length = _length(page)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
            frame.pts, frame.time_base, frame.duration = time, CLOCK, length
            time, given = time + length, True
            yield frame


def _length(page: Image.Image) -> int:
    """Milliseconds for which an image is shown."""
    length = round(float(page.info.get("duration") or 0))
    return length if length > SHORTEST else DEFAULT_LENGTH
