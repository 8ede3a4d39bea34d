"""A result drawn on its frame: what sounds is tinted, outlined and named; the rest steps back."""

from __future__ import annotations

import colorsys
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from seac.core.result import FrameResult

TINT = 0.45
BACK = 0.55
MIN_SIDE = 320


def colour(number: int) -> tuple[int, int, int]:
    """A colour for an id: neighbours differ most (golden ratio of the hue circle)."""
    red, green, blue = colorsys.hsv_to_rgb((0.08 + number * 0.618034) % 1.0, 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_result(result: FrameResult) -> NDArray[np.uint8]:
    """The frame with its sounding masks: (H', W', 3) uint8, both even; small frames are enlarged.

    Even, because H.264 with 4:2:0 colours takes nothing else.
    """
    rows = result.display_rows()
    canvas = _tinted(result, rows)
    enlarge = max(1, -(-MIN_SIDE // max(canvas.shape[:2])))
    if enlarge > 1:
        canvas = canvas.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    canvas = np.pad(canvas, ((0, canvas.shape[0] % 2), (0, canvas.shape[1] % 2), (0, 0)), mode="edge")
    canvas_image = Image.fromarray(canvas)
    _named(canvas_image, result, rows, enlarge)
    return np.asarray(canvas_image)


def _tinted(result: FrameResult, rows: list[int]) -> NDArray[np.uint8]:
    if not rows:
        return result.image.copy()
    canvas = result.image.astype(np.float32)
    canvas[~np.any(result.masks[rows], axis=0)] *= BACK
    thick = max(1, round(max(canvas.shape[:2]) / 320))
    for row in reversed(rows):  # the likeliest last, on top
        mask, paint = result.masks[row], np.asarray(colour(int(result.ids[row])), np.float32)
        canvas[mask] += TINT * (paint - canvas[mask])
        canvas[mask & ~binary_erosion(mask, iterations=thick)] = paint
    return canvas.round().clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _named(canvas_image: Image.Image, result: FrameResult, rows: list[int], enlarge: int) -> None:
    pen = ImageDraw.Draw(canvas_image)
    size = max(11, round(max(canvas_image.size) / 32))
    for row in reversed(rows):
        x1, y1 = (result.boxes[row, :2] * enlarge).tolist()
        text = result.names[row]
        _tag(pen, canvas_image.size, (x1, y1 - size * 1.3), text, size, colour(int(result.ids[row])))
    _tag(pen, canvas_image.size, (4, canvas_image.height), caption(result), size, (235, 235, 235))


def caption(result: FrameResult) -> str:
    """What is heard, in words."""
    if result.audio_summary.silent:
        return "silence"
    if result.audio_summary.noise:
        return "noise"
    if not result.audio_summary.top_classes:
        return "sound"
    name, probability = result.audio_summary.top_classes[0]
    return f"hears: {name} {probability:.0%}"


def _tag(
    pen: ImageDraw.ImageDraw,
    size: tuple[int, int],
    corner: tuple[float, float],
    text: str,
    font_size: int,
    ground: tuple[int, int, int],
) -> None:
    """A word on its own ground, moved so that it lies within the picture."""
    font = _font(font_size)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    width, height = right - left + 6, bottom - top + 6
    x = max(0.0, min(corner[0], size[0] - width))
    y = max(0.0, min(corner[1], size[1] - height - 2))
    pen.rectangle((x, y, x + width, y + height), fill=ground)
    pen.text((x + 3 - left, y + 3 - top), text, fill=(0, 0, 0), font=font)
