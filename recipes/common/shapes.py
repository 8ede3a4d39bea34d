"""One cut-out, many shapes and surfaces: bent like rubber, or with the grain of a photograph.

Thousands of cut-outs are soon known by heart when a course has hundreds of thousands of scenes; bent, none is
seen twice. Most are drawings in flat colours: grain makes of some what a camera might have seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Rng = np.random.Generator
MESH_DIVISIONS = 4  # along each side, that a picture is bent in
FAINT = 20  # alpha, of 255, up to which nothing is seen
BORDER = 0.12  # share of a side left around it, so that what bends outwards stays seen


def warp(rng: Rng, image: Image.Image, max_shift: float = 0.14) -> Image.Image:
    """An RGBA picture whose parts are moved by up to ``max_shift`` of its sides, without a seam."""
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
    shown = padded.transform(padded.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    box = find_opaque_box(shown)
    return shown.crop(box) if box else image


def find_opaque_box(image: Image.Image) -> tuple[int, int, int, int] | None:
    """The box (xyxy) of what can be seen of an RGBA picture; None where nothing can."""
    return image.getchannel("A").point(lambda alpha: 255 * (alpha > FAINT)).getbbox()


def apply_grain(rng: Rng, colour: Floats, texture: Floats) -> Floats:
    """Colours (h, w, 3) lit and darkened as ``texture`` (h, w, 3), a piece of a photograph, is."""
    light = texture.mean(-1, keepdims=True) + 8
    return np.asarray(colour * np.clip(light / light.mean(), 0.3, 2) ** rng.uniform(0.2, 0.9), np.float32)
