"""Drawing for galleries: heatmaps over frames, contours, and audio excerpts."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion

from seac.core.errors import InputError
from seac.datasets.clip import Clip, Reader

HEAT_COLOUR = np.array([255, 96, 32], np.float32)
LONGEST = 10.0
"""Maximum duration of an audio excerpt in seconds."""


def at_side(heat: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Resize a map (h, w) float32 to a square of ``side`` pixels."""
    image = Image.fromarray(heat.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


def mask_boundary(mask: NDArray[np.bool_], thick: int = 2) -> NDArray[np.bool_]:
    """Inner contour of a mask (h, w)."""
    inner: NDArray[np.bool_] = binary_erosion(mask, iterations=thick)
    return mask & ~inner


def fill_pixels(
    pixels: NDArray[np.float32], where: NDArray[np.bool_], colour: tuple[int, int, int] = (255, 255, 255)
) -> NDArray[np.float32]:
    """An image (h, w, 3) with the pixels of ``where`` (h, w) in one colour."""
    painted: NDArray[np.float32] = np.where(where[..., None], np.array(colour, np.float32), pixels)
    return painted


def under_heat(pixels: NDArray[np.float32], heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """An image (h, w, 3) darkened where the heatmap (h, w) in [0, 1] is low."""
    warmth = heat[..., None]
    mixed: NDArray[np.float32] = (
        pixels * (1 - 0.6 * warmth) * (0.45 + 0.55 * warmth) + HEAT_COLOUR * 0.6 * warmth
    )
    return mixed


def save_image(pixels: NDArray[np.float32], path: Path) -> None:
    """Write an image (h, w, 3) in 0..255 as JPEG."""
    Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(path, quality=88)


def save_audio(reader: Reader, clip: Clip, folder: Path, name: str) -> str | None:
    """Write the clip's audio as 16-bit wav beside the images, so that the page is self-contained.

    Returns:
        the file relative to the page, or None if the clip has no readable audio.
    """
    try:
        waveform, sample_rate = reader.waveform(clip)
    except InputError:
        return None
    samples = (waveform[: round(LONGEST * sample_rate)].clamp(-1, 1) * 32_767).round().to(torch.int16)
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.numpy().tobytes())
    return f"{folder.name}/{name}.wav"
