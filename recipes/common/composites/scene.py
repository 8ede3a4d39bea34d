"""Frames of a scene: cut-outs that move slowly over a background, with exact masks of their visible parts.

The mask of a cut-out has the pixels with an opacity above one half that no other cut-out covers, so masks of
a frame do not overlap. Edges are antialiased. Some cut-outs cast a soft shadow, which belongs to no mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recipes.common.composites.media import Media
from recipes.common.media_bank import SILENT
from recipes.common.object_scenes import (
    Floats,
    Rng,
    blend,
    cast_shadow,
    crop_background,
    place_layer,
)
from recipes.common.scenes import GROUND, Scene
from seac.core.errors import InputError

SIDE = 224
MIN_PIXELS = 60
"""Minimum number of visible pixels of a sounding cut-out in each frame."""
MAX_ZOOM = 1.25
SILENT_SHARE, SHADOW_SHARE = 0.35, 0.4
BRIGHTNESS = (0.8, 1.15)
JITTER = 0.06
VELOCITY = (0.018, 0.011)
"""Maximum horizontal and vertical movement per frame, relative to the side."""
MAX_TRIES = 100


@dataclass(frozen=True)
class Arrangement:
    """Centres (x, y) of cut-outs, and the range of their longer side, relative to the side of the frame."""

    centres: tuple[tuple[float, float], ...]
    size: tuple[float, float]


ARRANGEMENTS = {
    1: Arrangement(((0.5, 0.53),), (0.49, 0.76)),
    2: Arrangement(((0.28, 0.54), (0.73, 0.53)), (0.38, 0.56)),
    3: Arrangement(((0.23, 0.31), (0.76, 0.35), (0.48, 0.75)), (0.31, 0.47)),
}
MAX_CUTOUTS = max(ARRANGEMENTS)


@dataclass(frozen=True)
class PositionedCutout:
    """A cut-out in a scene.

    Attributes:
        name: class; ``SILENT`` for an object that does not sound.
        file: name of the cut-out.
        layer: (h, w, 4) float32, colour and alpha in 0..255.
        centre: (x, y) in the first frame, in pixels.
        velocity: (x, y) in pixels per frame.
        shadow: seed of the shadow, the same in all frames; None without shadow.
    """

    name: str
    file: str
    layer: Floats
    centre: tuple[float, float]
    velocity: tuple[float, float]
    shadow: int | None

    def corner(self, frame: int) -> tuple[int, int]:
        """Upper left corner (x, y) of the layer in a frame, in pixels."""
        height, width = self.layer.shape[:2]
        x, y = (start + frame * step for start, step in zip(self.centre, self.velocity, strict=True))
        return round(x - width / 2), round(y - height / 2)


def choose_distractors(rng: Rng, media: Media, sounding: Sequence[str], count: int) -> list[str]:
    """Sample classes of distractors: silent objects, or other classes without repetition."""
    chosen: list[str] = []
    for _ in range(count):
        others = [name for name in media.classes if name not in sounding and name not in chosen]
        silent = SILENT in media.cutouts and (not others or rng.random() < SILENT_SHARE)
        if silent:
            chosen.append(SILENT)
        elif others:
            chosen.append(others[rng.integers(len(others))])
    return chosen


def place_cutouts(rng: Rng, media: Media, names: Sequence[str]) -> tuple[PositionedCutout, ...]:
    """Place a cut-out of each class (one to three) at separate positions."""
    arrangement = ARRANGEMENTS[len(names)]
    centres = rng.permutation(np.array(arrangement.centres))
    return tuple(
        place_cutout(rng, media, name, (float(x), float(y)), arrangement.size)
        for name, (x, y) in zip(names, centres, strict=True)
    )


def place_cutout(
    rng: Rng, media: Media, name: str, place: tuple[float, float], size: tuple[float, float]
) -> PositionedCutout:
    """Place a random cut-out of a class near ``place``, with random flip, size and brightness."""
    path = media.cutouts[name][rng.integers(len(media.cutouts[name]))]
    image = media.cutout(path)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    scale = SIDE * rng.uniform(*size) / max(image.size)
    shape = (max(4, round(image.width * scale)), max(4, round(image.height * scale)))
    layer = np.array(image.resize(shape, Image.Resampling.LANCZOS), np.float32)
    layer[..., :3] = (layer[..., :3] * rng.uniform(*BRIGHTNESS)).clip(0, 255)
    x, y = (SIDE * (share + rng.uniform(-JITTER, JITTER)) for share in place)
    speed_x, speed_y = (SIDE * rng.uniform(-limit, limit) for limit in VELOCITY)
    shadow = int(rng.integers(2**31)) if rng.random() < SHADOW_SHARE else None
    return PositionedCutout(name, f"{name}/{path.stem}", layer, (x, y), (speed_x, speed_y), shadow)


def render_background(rng: Rng, media: Media) -> Floats:
    """A random crop of a background: (S, S, 3) float32 in 0..255."""
    path = media.backgrounds[rng.integers(len(media.backgrounds))]
    return np.asarray(crop_background(rng, media.background(path), SIDE, MAX_ZOOM), np.float32)


def render_frame(
    background: Floats, cutouts: Sequence[PositionedCutout], order: Sequence[int], frame: int
) -> Scene:
    """Render a frame.

    Args:
        background: (S, S, 3) float32 in 0..255.
        cutouts: cut-outs of the scene, in the order of the masks.
        order: order of pasting, the front cut-out last.
        frame: index of the frame.
    """
    canvas = background
    owner: NDArray[np.int64] = np.full(background.shape[:2], GROUND, np.int64)
    for number in order:
        cutout = cutouts[number]
        alpha, colour = place_layer(cutout.layer, cutout.corner(frame), len(background))
        if cutout.shadow is not None:
            canvas = cast_shadow(np.random.default_rng(cutout.shadow), canvas, alpha)
        canvas = blend(canvas, colour, alpha)
        owner[alpha > 0.5] = number
    image = canvas.round().clip(0, 255).astype(np.uint8)
    return Scene(image, owner, tuple(each.name for each in cutouts), tuple(each.file for each in cutouts))


def render_scene(
    rng: Rng, media: Media, sounding: Sequence[str], distractors: int, frames: int = 1
) -> tuple[Scene, ...]:
    """Render the frames of a scene in which each sounding cut-out is always visible.

    Args:
        rng: generator of all random choices.
        media: cut-outs and backgrounds.
        sounding: distinct classes of the first cut-outs.
        distractors: number of other cut-outs; the total is at most three.
        frames: number of frames, one per second.

    Returns:
        scenes of 224 x 224 pixels; in ``owner`` the sounding cut-outs come first, in their order.

    Raises:
        InputError: a sounding cut-out is hidden in each of MAX_TRIES scenes.
    """
    for _ in range(MAX_TRIES):
        names = [*sounding, *choose_distractors(rng, media, sounding, distractors)]
        cutouts = place_cutouts(rng, media, names)
        background, order = render_background(rng, media), rng.permutation(len(cutouts)).tolist()
        scenes = tuple(render_frame(background, cutouts, order, frame) for frame in range(frames))
        if all(scene.masks()[: len(sounding)].sum((1, 2)).min() >= MIN_PIXELS for scene in scenes):
            return scenes
    raise InputError(
        f"{media.folder}: no cut-out of {', '.join(sounding)} stays visible in {MAX_TRIES} tries; "
        "give cut-outs that are mostly opaque"
    )
