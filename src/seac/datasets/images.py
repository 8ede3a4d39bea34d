"""Images and masks of the benchmarks, read as in the published evaluators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from seac.core.errors import InputError

SUFFIXES = (".jpg", ".png", ".jpeg")


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read an image file as stored: (H, W, 3) uint8 RGB.

    EXIF orientation is not applied, because masks and boxes refer to the stored pixels.

    Raises:
        InputError: the file is missing, empty, truncated or not an image.
    """
    with _open_image(path) as image:
        return np.array(image.convert("RGB"))


def read_image_size(path: Path) -> tuple[int, int]:
    """Read (height, width) of an image file from its header.

    Raises:
        InputError: the file is missing, empty or not an image.
    """
    with _open_image(path) as image:
        return image.height, image.width


def read_one_bit(path: Path) -> NDArray[np.bool_]:
    """Read an S4 mask: (H, W) bool, grey value 128 or above, without dithering.

    Raises:
        InputError: as :func:`read_rgb`, or all values are below 128 and some are not 0.
    """
    with _open_image(path) as image:
        grey = np.array(image.convert("L"))
    if 0 < grey.max() < 128:
        raise InputError(
            f"{path}: the brightest value is {grey.max()}, which a 1-bit mask reads as 0; write 0 and 255"
        )
    mask: NDArray[np.bool_] = grey >= 128
    return mask


def read_above_zero(path: Path) -> NDArray[np.bool_]:
    """Read an MS3 mask: (H, W) bool, palette index above 0; without a palette, any channel above 0.

    Raises:
        InputError: as :func:`read_rgb`.
    """
    with _open_image(path) as image:
        if image.mode in {"P", "L", "1", "I", "I;16"}:
            values = np.array(image)[..., None]
        else:
            values = np.array(image.convert("RGB"))
    above: NDArray[np.bool_] = values.max(axis=-1) > 0
    return above


def read_indices(path: Path, classes: int) -> NDArray[np.int64]:
    """Read an image whose values are class numbers: (H, W) int64 in [0, ``classes``).

    Raises:
        InputError: as :func:`read_rgb`, or several channels, or a value that is not a class number.
    """
    with _open_image(path) as image:
        values = np.array(image).astype(np.int64)
    if values.ndim != 2:
        raise InputError(f"{path}: has {values.shape[-1]} channels; class numbers need one (mode L or P)")
    if values.max() >= classes or values.min() < 0:
        worst = int(values.max() if values.max() >= classes else values.min())
        raise InputError(f"{path}: class {worst} is not among the {classes} of label2idx.json")
    return values


def read_colours(path: Path, palette: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Read an image whose colours are classes: (H, W) int64, indices of rows of ``palette`` (C, 3).

    Raises:
        InputError: as :func:`read_rgb`, or a colour that is not in the palette.
    """
    packed = _pack(read_rgb(path))
    codes = _pack(palette)
    order = np.argsort(codes)
    position = np.minimum(np.searchsorted(codes[order], packed), len(codes) - 1)
    labels: NDArray[np.int64] = order[position]
    is_unknown = codes[labels] != packed
    if is_unknown.any():
        code = int(packed[is_unknown][0])
        colour = code >> 16, code >> 8 & 255, code & 255
        raise InputError(f"{path}: colour {colour} is not among the {len(codes)} classes of label2idx.json")
    return labels


def _pack(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    wide = colours.astype(np.int64)
    packed: NDArray[np.int64] = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return packed


@contextmanager
def _open_image(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check that the download is complete") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a readable image; check that the file is complete") from None
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split()).replace(str(path), "file")
        raise InputError(
            f"{path}: image cannot be decoded ({reason}); check that the file is complete"
        ) from None
