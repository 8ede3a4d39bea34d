"""Overlay of sounding masks on their frame: masks are tinted and labelled, the rest is darkened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seac.core.result import FrameResult
from seac.export.fonts import find_font
from seac.results.captions import audio_caption
from seac.results.palette import colour

TINT = 0.45
BACKGROUND_GAIN = 0.55
MIN_SIDE = 320
CAPTION_COLOUR = (235, 235, 235)
MAX_MASKS = 100
"""Maximum number of masks that are drawn, likeliest first."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Drawing:
    """What is drawn on a frame; n masks, likeliest first.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        masks: (n, H, W) bool.
        names: of the masks.
        colours: of the masks.
        caption: text at the lower edge; nothing if empty.
    """

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    names: Sequence[str]
    colours: Sequence[Colour]
    caption: str


def draw_result(result: FrameResult) -> NDArray[np.uint8]:
    """Draw the sounding masks of a result on its frame, see :func:`draw`."""
    rows = result.display_rows()
    names = result.names
    return draw(
        Drawing(
            result.image,
            result.masks[rows],
            [names[row] for row in rows],
            [colour(int(result.ids[row])) for row in rows],
            caption(result),
        )
    )


def draw(drawing: Drawing) -> NDArray[np.uint8]:
    """Draw masks, labels and caption on a frame: (H', W', 3) uint8; small frames are enlarged.

    H' and W' are even, as H.264 with 4:2:0 chroma subsampling requires. Where masks overlap, the likeliest
    is on top. A frame without masks keeps its brightness.
    """
    canvas = _tint_masks(drawing.image, drawing.masks[:MAX_MASKS], drawing.colours[:MAX_MASKS])
    enlarge = max(1, -(-MIN_SIDE // max(canvas.shape[:2])))
    if enlarge > 1:
        canvas = canvas.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    if canvas.shape[0] % 2 or canvas.shape[1] % 2:
        canvas = np.pad(canvas, ((0, canvas.shape[0] % 2), (0, canvas.shape[1] % 2), (0, 0)), mode="edge")
    size = max(11, round(max(canvas.shape[:2]) / 32))
    labels = list(zip(drawing.masks, drawing.names, drawing.colours, strict=True))[:MAX_MASKS]
    for mask, name, background in reversed(labels):
        x, y = _corner(mask)
        _paste(canvas, label_image(name, size, background), x * enlarge, y * enlarge - round(size * 1.3))
    if drawing.caption:
        _paste(canvas, label_image(drawing.caption, size, CAPTION_COLOUR), 4, canvas.shape[0])
    return canvas


def caption(result: FrameResult) -> str:
    """The audio class with its probability, or "silence" or "noise"."""
    summary = result.audio_summary
    name, probability = summary.top_classes[0] if summary.top_classes else (None, 0.0)
    return audio_caption(silent=summary.silent, noise=summary.noise, name=name, probability=probability)


def _tint_masks(
    image: NDArray[np.uint8], masks: NDArray[np.bool_], colours: Sequence[Colour]
) -> NDArray[np.uint8]:
    """A copy of the frame with tinted and outlined masks, and a darker background.

    Every pixel is looked up in a table by what covers it and by its value: one pass for any number of masks.
    """
    if len(masks) == 0:
        return image.copy()
    thickness = max(1, round(max(image.shape[:2]) / 320))
    cover = np.zeros(image.shape[:2], np.intp)  # 0 is background, then tint and outline of each mask
    for row in range(len(masks) - 1, -1, -1):
        np.copyto(cover, 2 * row + 1, where=masks[row])
        np.copyto(cover, 2 * row + 2, where=masks[row] & ~_erode(masks[row], thickness))
    table = _table(tuple(colours))
    canvas = np.empty_like(image)
    cover *= 256
    for channel in range(3):
        canvas[..., channel] = table[channel].take(cover + image[..., channel])
    return canvas


@lru_cache(maxsize=64)
def _table(colours: tuple[Colour, ...]) -> NDArray[np.uint8]:
    """New value of a pixel: (3, (2n + 1) * 256), by what covers it and by its old value."""
    values = np.arange(256, dtype=np.float32)
    paint = np.asarray(colours, np.float32)
    table = np.empty((3, 2 * len(colours) + 1, 256), np.float32)
    table[:, 0] = values * BACKGROUND_GAIN
    for row, shade in enumerate(paint):
        table[:, 2 * row + 1] = values + TINT * (shade[:, None] - values)
        table[:, 2 * row + 2] = shade[:, None]
    return table.round().clip(0, 255).astype(np.uint8).reshape(3, -1)


def _erode(mask: NDArray[np.bool_], thickness: int) -> NDArray[np.bool_]:
    """The pixels of a mask that are more than ``thickness`` from its outline; beyond the frame is outside."""
    padded = np.pad(mask, 1)
    for _ in range(thickness):
        inner = padded[1:-1, 1:-1].copy()
        for side in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
            inner &= side
        padded[1:-1, 1:-1] = inner
    return padded[1:-1, 1:-1]


def _corner(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Upper left corner (x, y) of the box of a mask."""
    return int(mask.any(axis=0).argmax()), int(mask.any(axis=1).argmax())


@lru_cache(maxsize=64)
def _font(size: int, text: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font with the letters of a text that is not ASCII; else the default font, whatever the text."""
    path = find_font(text) if text else None
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)


@lru_cache(maxsize=512)
def label_image(text: str, font_size: int, background: Colour) -> NDArray[np.uint8]:
    """Text on a filled box: (h, w, 3) uint8 RGB; not to be written to."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    font = _font(font_size, "" if text.isascii() else text)
    left, top, right, bottom = font.getbbox(text)
    size = round(right - left) + 7, round(bottom - top) + 7
    box = Image.new("RGB", size, background)
    ImageDraw.Draw(box).text((3 - left, 3 - top), text, fill=(0, 0, 0), font=font)
    return np.asarray(box)


def _paste(canvas: NDArray[np.uint8], label: NDArray[np.uint8], x: int, y: int) -> None:
    """Put a label on the canvas, shifted to lie within it."""
    height, width = canvas.shape[:2]
    x, y = max(0, min(x, width - label.shape[1])), max(0, min(y, height - label.shape[0] - 1))
    part = label[: height - y, : width - x]
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
