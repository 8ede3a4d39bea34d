"""Preprocessing of images; step 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seac.core.errors import InputError

SHORT_SIDE = 800
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class Batch(NamedTuple):
    """A batch of images.

    Attributes:
        pixel_values: (B, 3, H, W) float32, zero in the padding at right and bottom.
        pixel_mask: (B, H, W) bool, false for padding; None if nothing is padded.
    """

    pixel_values: Tensor
    pixel_mask: Tensor | None


def as_rgb(image: Any) -> Image.Image:
    """Convert an image to a PIL image in mode RGB.

    Args:
        image: a PIL image of any mode; a uint8 array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); or a uint8
            tensor (1, H, W), (3, H, W) or (4, H, W). Transparency is dropped.

    Raises:
        InputError: another type, dtype or shape.
    """
    pil_image = image if isinstance(image, Image.Image) else Image.fromarray(_channels_last(image))
    if 0 in pil_image.size:
        raise InputError(f"image is {pil_image.height} x {pil_image.width} pixels: pass a non-empty image")
    return pil_image.convert("RGB")


def _channels_last(image: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if isinstance(image, Tensor):
        array = image.detach().cpu().numpy()
        array = np.moveaxis(array, 0, -1) if array.ndim == 3 else array[None, None]
    else:
        array = np.asarray(image)
        array = array[..., None] if array.ndim == 2 else array
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in MODES:
        shape = tuple(getattr(image, "shape", ()))
        raise InputError(
            f"image is a {type(image).__name__} {shape} {getattr(image, 'dtype', '')}: "
            "pass a PIL image, a uint8 array (H, W, 3) or a uint8 tensor (3, H, W)"
        )
    return np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array)


def resized_size(height: int, width: int, short: int = SHORT_SIDE) -> tuple[int, int]:
    """Return (height, width) with a short side of ``short``; the long side is truncated, without a limit."""
    if height <= width:
        return short, int(short * width / height)
    return int(short * height / width), short


def prepare(image: Any, short: int = SHORT_SIDE) -> Tensor:
    """Resize and normalise an image.

    Args:
        image: see :func:`as_rgb`.
        short: short side in pixels.

    Returns:
        (3, h, w) float32.

    Raises:
        InputError: ``image`` is not an image.
    """
    pil_image = as_rgb(image)
    height, width = resized_size(pil_image.height, pil_image.width, short)
    pil_image = pil_image.resize((width, height), Image.Resampling.BILINEAR)
    return normalise(torch.from_numpy(np.array(pil_image)).permute(2, 0, 1))


def normalise(pixels: Tensor) -> Tensor:
    """Normalise pixels (..., 3, H, W) uint8 to float32 with ImageNet's mean and standard deviation."""
    mean = torch.tensor(MEAN, device=pixels.device)[:, None, None]
    std = torch.tensor(STD, device=pixels.device)[:, None, None]
    return (pixels.float() / 255 - mean) / std


def stack(images: Sequence[Tensor]) -> Batch:
    """Stack preprocessed images to a batch, padded to the maximum height and width.

    GroupNorm includes the padding, as in the original code; outputs equal those of single images only if all
    images have the same size.

    Args:
        images: (3, h_i, w_i) float32 each.

    Raises:
        InputError: no images.
    """
    if not images:
        raise InputError("no images: pass at least one")
    if len({image.shape for image in images}) == 1:
        return Batch(torch.stack(list(images)), None)
    height = max(image.shape[1] for image in images)
    width = max(image.shape[2] for image in images)
    pixels = images[0].new_zeros(len(images), 3, height, width)
    mask = torch.zeros(len(images), height, width, dtype=torch.bool, device=pixels.device)
    for index, image in enumerate(images):
        pixels[index, :, : image.shape[1], : image.shape[2]] = image
        mask[index, : image.shape[1], : image.shape[2]] = True
    return Batch(pixels, mask)
