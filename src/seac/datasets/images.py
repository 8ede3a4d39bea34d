"""Pictures and masks of the benchmarks, read as their own evaluators read them."""

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
    """A picture as it is stored: (H, W, 3) uint8 RGB.

    EXIF orientation is not applied: masks and boxes are drawn on the stored pixels.

    Raises:
        InputError: missing, empty, broken off or no picture.
    """
    with _opened(path) as image:
        return np.array(image.convert("RGB"))


def size_of_file(path: Path) -> tuple[int, int]:
    """(height, width) of a picture, from its header.

    Raises:
        InputError: missing, empty or no picture.
    """
    with _opened(path) as image:
        return image.height, image.width


def read_one_bit(path: Path) -> NDArray[np.bool_]:
    """An S4 mask: (H, W) bool, read as a 1-bit picture (grey from 128 on is white), without dithering.

    Raises:
        InputError: as :func:`read_rgb`; a mask of dark grey only, which would be read as empty.
    """
    with _opened(path) as image:
        grey = np.array(image.convert("L"))
    if 0 < grey.max() < 128:
        raise InputError(
            f"{path}: its brightest value is {grey.max()}, which a 1-bit mask reads as black; write 0 and 255"
        )
    mask: NDArray[np.bool_] = grey >= 128
    return mask


def read_above_zero(path: Path) -> NDArray[np.bool_]:
    """An MS3 mask: (H, W) bool, palette index above 0; without a palette, any channel above 0.

    Raises:
        InputError: as :func:`read_rgb`.
    """
    with _opened(path) as image:
        if image.mode in {"P", "L", "1", "I", "I;16"}:
            values = np.array(image)[..., None]
        else:
            values = np.array(image.convert("RGB"))
    above: NDArray[np.bool_] = values.max(axis=-1) > 0
    return above


def read_indices(path: Path, classes: int) -> NDArray[np.int64]:
    """A picture whose values are class numbers: (H, W) int64 in [0, ``classes``).

    Raises:
        InputError: as :func:`read_rgb`; several channels; a number that is no class.
    """
    with _opened(path) as image:
        values = np.array(image).astype(np.int64)
    if values.ndim != 2:
        raise InputError(f"{path}: has {values.shape[-1]} channels; class numbers need one (mode L or P)")
    if values.max() >= classes or values.min() < 0:
        worst = int(values.max() if values.max() >= classes else values.min())
        raise InputError(f"{path}: class {worst} is not among the {classes} of label2idx.json")
    return values


def read_colours(path: Path, palette: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A picture whose colours are classes: (H, W) int64, rows of ``palette`` (C, 3).

    Raises:
        InputError: as :func:`read_rgb`; a colour that is not in the palette, named.
    """
    packed = _pack(read_rgb(path))
    codes = _pack(palette)
    order = np.argsort(codes)
    position = np.minimum(np.searchsorted(codes[order], packed), len(codes) - 1)
    labels: NDArray[np.int64] = order[position]
    strange = codes[labels] != packed
    if strange.any():
        code = int(packed[strange][0])
        colour = code >> 16, code >> 8 & 255, code & 255
        raise InputError(f"{path}: colour {colour} is of none of the {len(codes)} classes of label2idx.json")
    return labels


def voc_palette(classes: int) -> NDArray[np.uint8]:
    """Colours of class numbers as Pascal VOC spreads their bits: (C, 3) uint8, C <= 256.

    Bits 0, 1 and 2 of a number become the highest bits of red, green and blue, bits 3, 4 and 5 the next.
    """
    numbers = np.arange(classes)
    channels = [
        sum(((numbers >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(8)) for channel in range(3)
    ]
    return np.stack(channels, axis=1).astype(np.uint8)


def nearest(values: NDArray[np.generic], size: tuple[int, int]) -> NDArray[np.generic]:
    """(H, W) scaled to (height, width) ``size`` by the value at each cell's centre; nothing is mixed."""
    height, width = values.shape
    if (height, width) == size:
        return values
    rows = np.minimum(((np.arange(size[0]) + 0.5) * height / size[0]).astype(np.int64), height - 1)
    columns = np.minimum(((np.arange(size[1]) + 0.5) * width / size[1]).astype(np.int64), width - 1)
    scaled: NDArray[np.generic] = values[rows[:, None], columns[None, :]]
    return scaled


def _pack(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    wide = colours.astype(np.int64)
    packed: NDArray[np.int64] = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return packed


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; is the download whole?") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a picture that can be read; is the file whole?") from None
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        why = " ".join(str(error).split()).replace(str(path), "file")
        raise InputError(f"{path}: picture cannot be decoded ({why}); is the file whole?") from None
