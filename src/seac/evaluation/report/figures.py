"""What galleries draw with: frames under heat, outlines, and a clip's sound beside its picture."""

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
"""Seconds of sound that are kept."""


def at_side(heat: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """A map (h, w) float32, squeezed into a square of ``side`` pixels."""
    image = Image.fromarray(heat.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


def mask_boundary(mask: NDArray[np.bool_], thick: int = 2) -> NDArray[np.bool_]:
    """The rim of a mask (h, w), within it."""
    inner: NDArray[np.bool_] = binary_erosion(mask, iterations=thick)
    return mask & ~inner


def fill_pixels(
    pixels: NDArray[np.float32], where: NDArray[np.bool_], colour: tuple[int, int, int] = (255, 255, 255)
) -> NDArray[np.float32]:
    """A picture (h, w, 3) with ``where`` (h, w) in one colour."""
    painted: NDArray[np.float32] = np.where(where[..., None], np.array(colour, np.float32), pixels)
    return painted


def under_heat(pixels: NDArray[np.float32], heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture (h, w, 3) that is dark where the heatmap (h, w) in [0, 1] is cold."""
    warmth = heat[..., None]
    mixed: NDArray[np.float32] = (
        pixels * (1 - 0.6 * warmth) * (0.45 + 0.55 * warmth) + HEAT_COLOUR * 0.6 * warmth
    )
    return mixed


def save_image(pixels: NDArray[np.float32], path: Path) -> None:
    """A picture (h, w, 3) in 0..255 as JPEG."""
    Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(path, quality=88)


def save_audio(reader: Reader, clip: Clip, folder: Path, name: str) -> str | None:
    """The clip's sound as 16-bit wav beside the pictures, so that the page needs nothing but its folder.

    Returns:
        its file relative to the page, or None where the clip has no sound that can be read.
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
