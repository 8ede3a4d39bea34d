"""Augmentation of cut-outs by warping and by the texture of photographs.

Warping prevents overfitting to a few thousand cut-outs in training phases with hundreds of thousands of
scenes. Most cut-outs are drawings in flat colours; the texture makes them similar to photographs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Rng = np.random.Generator
MESH_DIVISIONS = 4  # mesh cells along each side
FAINT = 20  # alpha, of 255, up to which a pixel counts as transparent
BORDER = 0.12  # padding as a share of a side, for parts that move outwards


def warp(rng: Rng, image: Image.Image, max_shift: float = 0.14) -> Image.Image:
    """Warp an RGBA image by a random mesh with shifts of up to ``max_shift`` of its sides."""
    width, height = image.size
    around = (round(width * BORDER) + 1, round(height * BORDER) + 1)
    padded = Image.new("RGBA", (width + 2 * around[0], height + 2 * around[1]))
    padded.paste(image, around)
    sides = np.array(padded.size)
    shares = np.linspace(0, 1, MESH_DIVISIONS + 1)
    rest = np.stack(np.meshgrid(shares, shares), -1)  # [row, column] of corners: x, y
    shifted = (rest + rng.uniform(-max_shift, max_shift) * rng.uniform(-1, 1, rest.shape)) * sides
    corners = np.rint(rest * sides).astype(int)
    mesh = [
        (
            (*corners[r, c].tolist(), *corners[r + 1, c + 1].tolist()),
            tuple(shifted[[r, r + 1, r + 1, r], [c, c, c + 1, c + 1]].ravel().tolist()),
        )
        for r in range(MESH_DIVISIONS)
        for c in range(MESH_DIVISIONS)
    ]
    warped = padded.transform(padded.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    box = find_opaque_box(warped)
    return warped.crop(box) if box else image


def find_opaque_box(image: Image.Image) -> tuple[int, int, int, int] | None:
    """The bounding box (xyxy) of the opaque pixels of an RGBA image; None if there are none."""
    return image.getchannel("A").point(lambda alpha: 255 * (alpha > FAINT)).getbbox()


def apply_grain(rng: Rng, colour: Floats, texture: Floats) -> Floats:
    """Modulate the brightness of colours (h, w, 3) by ``texture`` (h, w, 3), a crop of a photograph."""
    light = texture.mean(-1, keepdims=True) + 8
    return np.asarray(colour * np.clip(light / light.mean(), 0.3, 2) ** rng.uniform(0.2, 0.9), np.float32)
