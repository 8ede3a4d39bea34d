"""Pictures of any kind (file, array, PIL, tensor) as one kind: (3, H, W) uint8 RGB, of a sane size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional

from seac.core.errors import InputError

MAX_SIDE = 1280
"""Long side in pixels that a picture is scaled down to: masks gain nothing above it, memory suffers."""

MAX_FILE_PIXELS = 400_000_000
"""Files with more pixels than this are refused before they are decoded (they would fill the memory)."""


def as_image(image: Any, max_side: int = MAX_SIDE) -> Tensor:
    """Any picture as (3, H, W) uint8 RGB with a long side of at most ``max_side`` pixels.

    Args:
        image: a PIL image; an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); or a tensor (3, H, W),
            (1, H, W) or (4, H, W). uint8, uint16, bool, or float in [0, 1]. An alpha channel is laid over
            grey.
        max_side: pixels.

    Raises:
        InputError: another shape or type, no pixels, or values that are not finite or not in [0, 1].
    """
    if isinstance(image, Image.Image):
        pixels = _from_pil(image)
    elif isinstance(image, Tensor):
        pixels = _from_channels_first(image.detach().cpu())
        if pixels.data_ptr() == image.data_ptr():
            pixels = pixels.clone()  # the caller may fill his own again
    elif isinstance(image, np.ndarray):
        pixels = _from_channels_first(_channels_first(image))
    else:
        raise InputError(
            f"image is a {type(image).__name__}: pass a PIL image, an array (H, W, 3) or a tensor (3, H, W)"
        )
    return shrink(pixels, max_side)


def size_of(image: Any) -> tuple[int, int]:
    """(height, width) of a picture that :func:`as_image` takes; (0, 0) for what it refuses."""
    if isinstance(image, Image.Image):
        return image.height, image.width
    shape = tuple(getattr(image, "shape", ()))
    if isinstance(image, Tensor) and len(shape) == 3:
        return int(shape[1]), int(shape[2])
    return (int(shape[0]), int(shape[1])) if len(shape) >= 2 else (0, 0)


def size_on_disk(path: Path) -> tuple[int, int]:
    """(height, width) of an image file as it is shown, from its header alone."""
    with _no_limit(), Image.open(path) as image:
        turned = image.getexif().get(0x0112, 1) in {5, 6, 7, 8}
        return (image.width, image.height) if turned else (image.height, image.width)


def read_image(path: Path, max_side: int = MAX_SIDE) -> Tensor:
    """Read an image file, upright by its EXIF orientation, as :func:`as_image` gives it.

    Raises:
        InputError: missing, empty, corrupt, truncated or not an image; or too many pixels.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of an image")
    try:
        with _no_limit(), Image.open(path) as image:
            if image.width * image.height > MAX_FILE_PIXELS:
                raise InputError(
                    f"{path}: {image.width} x {image.height} pixels; scale it below "
                    f"{MAX_FILE_PIXELS // 1_000_000} megapixels first"
                )
            image.draft("RGB", (max_side, max_side))  # JPEG only: decodes at a fraction of the size
            return as_image(ImageOps.exif_transpose(image), max_side)
    except UnidentifiedImageError:
        raise InputError(f"{path}: not an image that can be read; is the file whole?") from None
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: image cannot be decoded ({_line(error)}); is the file whole?") from None


@contextmanager
def _no_limit() -> Iterator[None]:
    """Without Pillow's warning about large images: our own limit is another, and refuses before decoding."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def shrink(pixels: Tensor, max_side: int = MAX_SIDE) -> Tensor:
    """Scale (3, H, W) uint8 down to a long side of ``max_side``; smaller pictures stay as they are."""
    height, width = pixels.shape[-2:]
    scale = max_side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return functional.interpolate(pixels[None], size, mode="bilinear", antialias=True)[0]


def _line(error: Exception) -> str:
    """An error of another library on one line."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def _from_pil(image: Image.Image) -> Tensor:
    if image.width == 0 or image.height == 0:
        raise InputError("image has no pixels: pass at least 1 x 1")
    if image.mode.startswith("I") or image.mode == "F":
        return _from_channels_first(_channels_first(_sixteen_bit(np.asarray(image))))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (128, 128, 128, 255))
        image = Image.alpha_composite(ground, rgba)
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()


def _sixteen_bit(array: np.ndarray) -> np.ndarray:
    """PIL opens 16-bit grey as I;16 or as 32-bit I; floats are taken as they are."""
    return array if array.dtype.kind == "f" else np.clip(array, 0, 65535).astype(np.uint16)


def _channels_first(array: np.ndarray) -> Tensor:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise InputError(f"image is {array.shape}: pass an array (H, W), (H, W, 3) or (H, W, 4)")
    if array.dtype == np.uint16:  # torch knows uint16 but not what to compute with it
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
        pixels = _bytes_of(pixels)
    elif pixels.dtype != torch.uint8:
        raise InputError(f"image has dtype {pixels.dtype}: pass uint8, or float in [0, 1]")
    if pixels.shape[0] == 4:
        alpha = pixels[3:].float() / 255
        pixels = (pixels[:3] * alpha + 128 * (1 - alpha)).round().to(torch.uint8)
    return pixels.expand(3, -1, -1).contiguous()


def _bytes_of(pixels: Tensor) -> Tensor:
    if not bool(torch.isfinite(pixels).all()):
        raise InputError("image holds NaN or infinity: pass finite values in [0, 1]")
    low, high = float(pixels.min()), float(pixels.max())
    if low < -1e-3 or high > 1 + 1e-3:
        raise InputError(f"float image runs from {low:.3g} to {high:.3g}: scale it to [0, 1] or pass uint8")
    return (pixels.clamp(0, 1) * 255).round().to(torch.uint8)
