"""Overlay of a result on its frame: sounding masks are tinted and labelled, the rest is darkened."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from seac.core.result import FrameResult
from seac.results.palette import colour

TINT = 0.45
BACKGROUND_GAIN = 0.55
MIN_SIDE = 320


def draw_result(result: FrameResult) -> NDArray[np.uint8]:
    """Draw the sounding masks on the frame: (H', W', 3) uint8; small frames are enlarged.

    H' and W' are even, as H.264 with 4:2:0 chroma subsampling requires.
    """
    rows = result.display_rows()
    canvas = _tint_masks(result, rows)
    enlarge = max(1, -(-MIN_SIDE // max(canvas.shape[:2])))
    if enlarge > 1:
        canvas = canvas.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    canvas = np.pad(canvas, ((0, canvas.shape[0] % 2), (0, canvas.shape[1] % 2), (0, 0)), mode="edge")
    canvas_image = Image.fromarray(canvas)
    _draw_labels(canvas_image, result, rows, enlarge)
    return np.asarray(canvas_image)


def _tint_masks(result: FrameResult, rows: list[int]) -> NDArray[np.uint8]:
    if not rows:
        return result.image.copy()
    canvas = result.image.astype(np.float32)
    canvas[~np.any(result.masks[rows], axis=0)] *= BACKGROUND_GAIN
    thickness = max(1, round(max(canvas.shape[:2]) / 320))
    for row in reversed(rows):  # the most probable last, on top
        mask, paint = result.masks[row], np.asarray(colour(int(result.ids[row])), np.float32)
        canvas[mask] += TINT * (paint - canvas[mask])
        canvas[mask & ~binary_erosion(mask, iterations=thickness)] = paint
    return canvas.round().clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _draw_labels(canvas_image: Image.Image, result: FrameResult, rows: list[int], enlarge: int) -> None:
    pen = ImageDraw.Draw(canvas_image)
    size = max(11, round(max(canvas_image.size) / 32))
    for row in reversed(rows):
        x1, y1 = (result.boxes[row, :2] * enlarge).tolist()
        text = result.names[row]
        _draw_label(pen, canvas_image.size, (x1, y1 - size * 1.3), text, size, colour(int(result.ids[row])))
    _draw_label(pen, canvas_image.size, (4, canvas_image.height), caption(result), size, (235, 235, 235))


def caption(result: FrameResult) -> str:
    """The audio class with its probability, or "silence" or "noise"."""
    if result.audio_summary.silent:
        return "silence"
    if result.audio_summary.noise:
        return "noise"
    if not result.audio_summary.top_classes:
        return "audio"
    name, probability = result.audio_summary.top_classes[0]
    return f"audio: {name} {probability:.0%}"


def _draw_label(
    pen: ImageDraw.ImageDraw,
    size: tuple[int, int],
    corner: tuple[float, float],
    text: str,
    font_size: int,
    background: tuple[int, int, int],
) -> None:
    """Draw a label on a filled box, shifted to lie within the frame."""
    font = _font(font_size)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    width, height = right - left + 6, bottom - top + 6
    x = max(0.0, min(corner[0], size[0] - width))
    y = max(0.0, min(corner[1], size[1] - height - 2))
    pen.rectangle((x, y, x + width, y + height), fill=background)
    pen.text((x + 3 - left, y + 3 - top), text, fill=(0, 0, 0), font=font)
