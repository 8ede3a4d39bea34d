"""Conversion of images (file, array, PIL image, tensor) to (3, H, W) uint8 RGB of limited size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional

from seac.core.errors import InputError

MAX_SIDE = 1280
"""Maximum long side in pixels; larger images take more memory and do not improve the masks."""

MAX_FILE_PIXELS = 400_000_000
"""Files with more pixels are refused before decoding, because they would exhaust the memory."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "ICO")
"""Formats of image files, as Pillow names them; all are known by their first bytes."""
MOVING = frozenset({"PNG", "WEBP", "GIF", "AVIF"})
"""Formats whose images follow one another in time; of others they are pages."""


class ImageKind(Enum):
    """What an image file holds."""

    STILL = "still"
    ANIMATION = "animation"


def as_image(image: Any, max_side: int = MAX_SIDE) -> Tensor:
    """Convert an image to (3, H, W) uint8 RGB with a long side of at most ``max_side`` pixels.

    Args:
        image: a PIL image; an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); or a tensor (3, H, W),
            (1, H, W) or (4, H, W). uint8, uint16, bool, or float in [0, 1]. An alpha channel is
            blended with grey.
        max_side: pixels.

    Raises:
        InputError: another shape or type, no pixels, or values that are not finite or not in [0, 1].
    """
    if isinstance(image, Image.Image):
        pixels = _from_pil(image)
    elif isinstance(image, Tensor):
        pixels = _from_channels_first(image.detach().cpu())
        if pixels.data_ptr() == image.data_ptr():
            pixels = pixels.clone()  # the caller may overwrite the input
    elif isinstance(image, np.ndarray):
        pixels = _from_channels_first(_channels_first(image))
    else:
        raise InputError(
            f"image is a {type(image).__name__}: pass a PIL image, an array (H, W, 3) or a tensor (3, H, W)"
        )
    return shrink(pixels, max_side)


def get_image_size(image: Any) -> tuple[int, int]:
    """(height, width) of an image that :func:`as_image` accepts; (0, 0) for other objects."""
    if isinstance(image, Image.Image):
        return image.height, image.width
    shape = tuple(getattr(image, "shape", ()))
    if isinstance(image, Tensor) and len(shape) == 3:
        return int(shape[1]), int(shape[2])
    return (int(shape[0]), int(shape[1])) if len(shape) >= 2 else (0, 0)


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """Open an image file of a format of :data:`FORMATS`, whatever its name.

    Raises:
        InputError: it has too many pixels.
        UnidentifiedImageError: it is no such image.
    """
    with _without_pixel_limit(), Image.open(path, formats=_formats()) as image:
        if image.width * image.height > MAX_FILE_PIXELS:
            raise InputError(
                f"{path}: {image.width} x {image.height} pixels; scale it below "
                f"{MAX_FILE_PIXELS // 1_000_000} megapixels first"
            )
        yield image


def image_kind(path: Path) -> ImageKind | None:
    """What kind of image a file is, by its content; None if it is no image."""
    if not path.is_file():
        return None
    try:
        with _without_pixel_limit(), Image.open(path, formats=_formats()) as image:
            try:
                moves = image.format in MOVING and getattr(image, "n_frames", 1) > 1
            except (OSError, SyntaxError, ValueError):  # it breaks off, and is refused when it is read
                moves = False
            return ImageKind.ANIMATION if moves else ImageKind.STILL
    except (OSError, SyntaxError, ValueError):
        return None


def page_notes(path: Path) -> tuple[str, ...]:
    """What to say of an image file with several pages."""
    try:
        with open_image(path) as image:
            pages = 1 if image.format in MOVING else int(getattr(image, "n_frames", 1))
    except (OSError, SyntaxError, ValueError):
        return ()
    return (f"{path.name} has {pages} pages; the first is used",) if pages > 1 else ()


def read_image_size(path: Path) -> tuple[int, int]:
    """(height, width) of an image file after EXIF rotation, read from the header."""
    with open_image(path) as image:
        is_rotated = image.getexif().get(0x0112, 1) in {5, 6, 7, 8}
        return (image.width, image.height) if is_rotated else (image.height, image.width)


def read_image(path: Path, max_side: int = MAX_SIDE) -> Tensor:
    """Read an image file, apply its EXIF orientation and convert it as :func:`as_image` does.

    Raises:
        InputError: the file is missing, empty, damaged, truncated or not an image, or has too many pixels.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of an image")
    try:
        with open_image(path) as image:
            image.draft("RGB", (max_side, max_side))  # JPEG only: decodes at a fraction of the size
            return as_image(ImageOps.exif_transpose(image), max_side)
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a readable image; check that the file is complete") from None
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: image cannot be decoded ({_to_one_line(error)}); check that the file is complete"
        ) from None


@contextmanager
def _without_pixel_limit() -> Iterator[None]:
    """Disable Pillow's size limit in the block; :data:`MAX_FILE_PIXELS` is checked before decoding."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def shrink(pixels: Tensor, max_side: int = MAX_SIDE) -> Tensor:
    """Scale (3, H, W) uint8 down to a long side of ``max_side``; smaller images are returned unchanged."""
    height, width = pixels.shape[-2:]
    scale = max_side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return functional.interpolate(pixels[None], size, mode="bilinear", antialias=True)[0]


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """Those of :data:`FORMATS` that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _to_one_line(error: Exception) -> str:
    """The message of another library's error on one line."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def _from_pil(image: Image.Image) -> Tensor:
    if image.width == 0 or image.height == 0:
        raise InputError("image has no pixels: pass at least 1 x 1")
    if image.mode.startswith("I") or image.mode == "F":
        return _from_channels_first(_channels_first(_to_uint16(np.asarray(image))))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        background = Image.new("RGBA", rgba.size, (128, 128, 128, 255))
        image = Image.alpha_composite(background, rgba)
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()


def _to_uint16(array: np.ndarray) -> np.ndarray:
    """Convert 16-bit grey values, which PIL opens as I;16 or 32-bit I, to uint16; floats are kept."""
    return array if array.dtype.kind == "f" else np.clip(array, 0, 65535).astype(np.uint16)


def _channels_first(array: np.ndarray) -> Tensor:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise InputError(f"image is {array.shape}: pass an array (H, W), (H, W, 3) or (H, W, 4)")
    if array.dtype == np.uint16:  # torch has uint16 but few operations for it
        array = (array.astype(np.float32) / 65535).astype(np.float32)
    if array.dtype.kind not in "buf":
        raise InputError(f"image has dtype {array.dtype}: pass uint8, uint16, or float in [0, 1]")
    return torch.from_numpy(np.array(array.transpose(2, 0, 1), order="C"))


def _from_channels_first(pixels: Tensor) -> Tensor:
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3, 4):
        raise InputError(f"image is {tuple(pixels.shape)}: pass a tensor (3, H, W)")
    if 0 in pixels.shape:
        raise InputError(f"image is {tuple(pixels.shape)}: it has no pixels; pass at least 1 x 1")
    if pixels.dtype == torch.bool:
        pixels = pixels.to(torch.uint8) * 255
    elif pixels.is_floating_point():
        pixels = _to_uint8(pixels)
    elif pixels.dtype != torch.uint8:
        raise InputError(f"image has dtype {pixels.dtype}: pass uint8, or float in [0, 1]")
    if pixels.shape[0] == 4:
        alpha = pixels[3:].float() / 255
        pixels = (pixels[:3] * alpha + 128 * (1 - alpha)).round().to(torch.uint8)
    return pixels.expand(3, -1, -1).contiguous()


def _to_uint8(pixels: Tensor) -> Tensor:
    if not bool(torch.isfinite(pixels).all()):
        raise InputError("image holds NaN or infinity: pass finite values in [0, 1]")
    low, high = float(pixels.min()), float(pixels.max())
    if low < -1e-3 or high > 1 + 1e-3:
        raise InputError(f"float image runs from {low:.3g} to {high:.3g}: scale it to [0, 1] or pass uint8")
    return (pixels.clamp(0, 1) * 255).round().to(torch.uint8)
