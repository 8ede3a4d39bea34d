"""Composite scenes with exact masks: cut-outs, textured silhouettes, wires, split backgrounds.

Some cut-outs are recoloured or textured in part, so that the network learns objects with parts of different
appearance (a lamp, a maraca). Edges of pasted objects are disguised by feathering, blur, shadow, lighting,
noise and compression, so that the network does not learn to detect pasting artefacts.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter, zoom

from recipes.common.shapes import apply_grain, find_opaque_box, warp

Floats = NDArray[np.float32]
Rng = np.random.Generator
MORE = 0.7  # share of cut-outs from the additional folder, if there is one
BLOBS, WIRES, TWO_TONED, FILLED, WARPED, GRAIN_SHARE = 0.1, 0.06, 0.3, 0.12, 0.4, 0.25
"""Shares of objects: random silhouettes, wires, recoloured in part, filled with texture; of cut-outs, the
share that is warped; of cut-outs without filling, the share with the texture of a photograph."""


@dataclass(frozen=True)
class Scene:
    """A rendered scene.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        owner: (S, S) int64, the instance that each pixel shows, -1 for none.
        count: number of instances.
    """

    image: NDArray[np.uint8]
    owner: NDArray[np.int64]
    count: int


class Painter:
    """Renders scenes from a media folder with ``images/*/*.png`` cut-outs and ``backgrounds/*.jpg``.

    ``more`` is a folder of additional cut-outs (:mod:`recipes.proposal_net.cutouts`), which are opened when
    they are sampled. Their share of the cut-outs is ``MORE``.
    """

    def __init__(self, media: Path, side: int, more: Path | None = None) -> None:
        self.side = side
        self.things = [open_cutout(path) for path in sorted(media.glob("images/*/*.png"))]
        self.more = sorted(more.glob("*/*.png")) if more else []
        if more and not self.more:
            raise FileNotFoundError(f"{more}: needs */*.png with alpha")
        self.grounds = [Image.open(p).convert("RGB") for p in sorted(media.glob("backgrounds/*.jpg"))]
        if not self.things or not self.grounds:
            raise FileNotFoundError(f"{media}: needs images/*/*.png with alpha and backgrounds/*.jpg")

    def __call__(self, rng: Rng) -> Scene:
        """Render a scene."""
        s = self.side
        canvas = self.ground(rng)
        owner = np.full((s, s), -1, np.int64)
        count = 0
        if rng.random() < 0.3:
            region = random_half_plane(rng, s)
            canvas = blend(canvas, self.ground(rng), gaussian_filter(region, rng.uniform(0.3, 1.5)))
            owner[region > 0.5] = 0
            owner[region <= 0.5] = 1
            count = 2
        many = int(rng.choice([1, 2, 3, 4, 5, 6, 8], p=[0.2, 0.22, 0.22, 0.14, 0.1, 0.08, 0.04]))
        for _ in range(many):
            layer = self.thing(rng, many)
            canvas, hit = self.paste(rng, canvas, layer)
            owner[hit] = count
            count += 1
        return Scene(simulate_camera(rng, canvas), owner, count)

    def ground(self, rng: Rng) -> Floats:
        """A random crop of a background photograph, or a colour gradient: (S, S, 3)."""
        s = self.side
        if rng.random() < 0.06:
            a, b = rng.uniform(0, 255, (2, 3))
            ramp = np.linspace(0, 1, s)[:, None, None]
            return np.broadcast_to(a * (1 - ramp) + b * ramp, (s, s, 3)).astype(np.float32)
        image = self.grounds[rng.integers(len(self.grounds))]
        part = crop_background(rng, image, s, 1.8)
        if rng.random() < 0.5:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return jitter_colour(rng, np.asarray(part, np.float32), 0.5)

    def thing(self, rng: Rng, many: int) -> Floats:
        """Render an object as an RGBA layer cropped to its extent: (h, w, 4)."""
        s = self.side
        high = {1: 0.95, 2: 0.75, 3: 0.65}.get(many, 0.5)
        side = s * np.exp(rng.uniform(np.log(0.18), np.log(high)))
        shape_chance = rng.random()
        if shape_chance < BLOBS:
            return self._fill_with_texture(rng, blob(rng, max(8, round(side))))
        if shape_chance < BLOBS + WIRES:
            return wire(rng, max(24, round(side)))
        image = self._choose_cutout(rng)
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < WARPED:
            image = warp(rng, image)
        if rng.random() < 0.3:
            image = image.rotate(rng.uniform(-40, 40), Image.Resampling.BILINEAR, expand=True)
        stretch = np.exp(rng.uniform(-0.2, 0.2))
        scale = side / max(image.size)
        size = (
            max(4, round(image.width * scale * stretch)),
            max(4, round(image.height * scale / stretch)),
        )
        layer = np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2), np.float32)
        if rng.random() < FILLED:
            return self._fill_with_texture(rng, (layer[..., 3] / 255).astype(np.float32))
        colour = jitter_colour(rng, layer[..., :3], 0.7)
        if rng.random() < GRAIN_SHARE:
            colour = apply_grain(rng, colour, self._texture(rng, *colour.shape[:2]))
        layer = np.dstack([colour, layer[..., 3]]).astype(np.float32)
        return self._recolour_part(rng, layer) if rng.random() < TWO_TONED else layer

    def _recolour_part(self, rng: Rng, layer: Floats) -> Floats:
        """Change one side of a layer (h, w, 4) to other colours, grey or a texture."""
        height, width = layer.shape[:2]
        end = random_half_plane(rng, max(height, width))[:height, :width, None]
        if rng.random() < 0.3:
            other = self._fill_with_texture(rng, np.asarray(layer[..., 3] / 255, np.float32))[..., :3]
        else:
            other = layer[..., rng.permutation(3)]
            grey = rng.uniform(0, 1) * (rng.random() < 0.5)
            other = other + grey * (other.mean(-1, keepdims=True) - other)
            other = other * np.exp(rng.uniform(-0.7, 0.4)) + rng.uniform(-60, 60, 3)
        colour = layer[..., :3] + end * (other - layer[..., :3])
        return np.dstack([colour, layer[..., 3]]).astype(np.float32)

    def _choose_cutout(self, rng: Rng) -> Image.Image:
        if self.more and rng.random() < MORE:
            return open_cutout(self.more[rng.integers(len(self.more))])
        return self.things[rng.integers(len(self.things))]

    def _fill_with_texture(self, rng: Rng, alpha: Floats) -> Floats:
        return np.dstack([self._texture(rng, *alpha.shape), alpha * 255]).astype(np.float32)

    def _texture(self, rng: Rng, height: int, width: int) -> Floats:
        texture = self.ground(rng)
        return np.tile(texture, (height // self.side + 1, width // self.side + 1, 1))[:height, :width]

    def paste(self, rng: Rng, canvas: Floats, layer: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Paste a layer (h, w, 4) at a random position; returns the canvas and the covered pixels (S, S)."""
        s = self.side
        height, width = layer.shape[:2]
        x = round(rng.uniform(-0.25 * width, s - 0.75 * width))
        y = round(rng.uniform(-0.25 * height, s - 0.75 * height))
        alpha, colour = place_layer(layer, (x, y), s)
        hit = alpha > 0.5
        canvas = canvas.copy()
        if rng.random() < 0.35:
            canvas = cast_shadow(rng, canvas, alpha)
        if rng.random() < 0.4 and hit.any():  # match the lighting of the background
            here, there = colour[hit].mean(0), canvas[hit].mean(0)
            colour = colour + rng.uniform(0.1, 0.6) * (there - here)
        if rng.random() < 0.3:
            colour = colour * (0.75 + 0.5 * _ramp(rng, s))[..., None]
        if rng.random() < 0.5:
            alpha = gaussian_filter(alpha, rng.uniform(0.3, 1.2)) * alpha**0.5
        return blend(canvas, colour.astype(np.float32), alpha), hit


def crop_background(rng: Rng, image: Image.Image, side: int, max_zoom: float) -> Image.Image:
    """A random square crop of an image with a zoom of 1 to ``max_zoom``: (S, S)."""
    scale = side / min(image.size) * rng.uniform(1, max_zoom)
    width, height = max(side, round(image.width * scale)), max(side, round(image.height * scale))
    x, y = rng.integers(width - side + 1), rng.integers(height - side + 1)
    right, lower = min((x + side) / scale, image.width), min((y + side) / scale, image.height)
    box = (x / scale, y / scale, right, lower)
    return image.resize((side, side), Image.Resampling.BILINEAR, box=box)


def place_layer(layer: Floats, corner: tuple[int, int], side: int) -> tuple[Floats, Floats]:
    """Place a layer in a frame; pixels outside are cropped.

    Args:
        layer: (h, w, 4), colour and alpha in 0..255.
        corner: upper left corner (x, y) in the frame, in pixels; may be outside.
        side: S of the frame.

    Returns:
        alpha (S, S) in 0..1 and colour (S, S, 3) in 0..255, 0 outside of the layer.
    """
    height, width = layer.shape[:2]
    x, y = corner
    alpha = np.zeros((side, side), np.float32)
    colour = np.zeros((side, side, 3), np.float32)
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + width, side), min(y + height, side)
    if x1 < x2 and y1 < y2:
        part = layer[y1 - y : y2 - y, x1 - x : x2 - x]
        alpha[y1:y2, x1:x2], colour[y1:y2, x1:x2] = part[..., 3] / 255, part[..., :3]
    return alpha, colour


def open_cutout(path: Path) -> Image.Image:
    """Open an RGBA cut-out, cropped to its visible pixels, with sides of at most 320 pixels."""
    with Image.open(path) as opened:
        image = opened.convert("RGBA")
    image = image.crop(find_opaque_box(image))
    image.thumbnail((320, 320))
    return image


def blend(base: Floats, top_layer: Floats, alpha: Floats) -> Floats:
    """Blend a layer (S, S, 3) over a base (S, S, 3) with opacity ``alpha`` (S, S) in 0..1."""
    return np.asarray(base + alpha[..., None] * (top_layer - base), np.float32)


def jitter_colour(rng: Rng, colour: Floats, chance: float) -> Floats:
    """Change brightness, colour balance and saturation of (h, w, 3) at random."""
    if rng.random() > chance:
        return colour
    gain = np.exp(rng.uniform(-0.35, 0.35) + rng.uniform(-0.12, 0.12, 3))
    grey = colour.mean(-1, keepdims=True)
    saturation = rng.uniform(0.2, 1.3)
    return np.asarray((grey + saturation * (colour - grey)) * gain + rng.uniform(-20, 20), np.float32)


def _ramp(rng: Rng, side: int) -> Floats:
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, side)
    return np.asarray(0.5 + 0.7 * (np.cos(angle) * x[None] + np.sin(angle) * x[:, None]), np.float32)


def cast_shadow(rng: Rng, canvas: Floats, alpha: Floats) -> Floats:
    """Darken a canvas (S, S, 3) by the shadow of a layer with opacity ``alpha`` (S, S) in 0..1."""
    shift = (round(rng.uniform(0, 10)), round(rng.uniform(-10, 10)))
    shadow = gaussian_filter(np.roll(alpha, shift, (0, 1))[::2, ::2], rng.uniform(1, 4))
    shadow = shadow.repeat(2, 0).repeat(2, 1)[: len(alpha), : len(alpha)]
    return np.asarray(canvas * (1 - rng.uniform(0.15, 0.6) * shadow)[..., None], np.float32)


def blob(rng: Rng, side: int) -> Floats:
    """A random silhouette: about (side, side), 0 or 1."""
    noise = zoom(rng.normal(size=(5, 5)), side / 5, order=3)
    x = np.linspace(-1, 1, len(noise))
    field = (
        noise * 0.5
        + 1.1
        - 2.2 * np.hypot(x[None] * rng.uniform(0.8, 1.5), x[:, None] * rng.uniform(0.8, 1.5))
    )
    return np.asarray(field > 0, np.float32)


def wire(rng: Rng, side: int) -> Floats:
    """A thin object of connected lines, rings and discs with a smooth colour gradient: (h, w, 4)."""
    image = Image.new("L", (side * 2, side * 2))  # rendered at twice the size for antialiasing
    pen = ImageDraw.Draw(image)
    thick = max(3, round(side * 2 * rng.uniform(0.015, 0.06)))
    at = rng.uniform(0.25, 0.75, 2) * side * 2
    for _ in range(int(rng.integers(2, 6))):
        to = rng.uniform(0.08, 0.92, 2) * side * 2
        pen.line([*at, *to], fill=255, width=thick)
        shape_choice, size = rng.random(), rng.uniform(0.06, 0.2) * side * 2
        box = [*(to - size * rng.uniform(0.4, 1)), *(to + size * rng.uniform(0.4, 1))]
        if shape_choice < 0.35:
            pen.ellipse(box, outline=255, width=thick)
        elif shape_choice < 0.5:
            pen.ellipse(box, fill=255)
        at = at if rng.random() < 0.4 else to
    alpha = image.resize((side, side), Image.Resampling.BOX)
    left, top, right, bottom = alpha.getbbox() or (0, 0, side, side)
    light, shade = rng.uniform(30, 255, 3), rng.uniform(0, 160, 3)
    shine = np.abs(2 * _ramp(rng, side) * rng.uniform(1, 3) % 2 - 1)[..., None]
    layer = np.dstack([shade + shine * (light - shade), np.asarray(alpha, np.float32)])
    return layer[top:bottom, left:right].astype(np.float32)


def random_half_plane(rng: Rng, side: int) -> Floats:
    """One side of a random wavy line across a square: (side, side), 0 or 1."""
    wave: Floats = zoom(rng.normal(size=8), side / 8, order=3)[:side] * rng.uniform(0, 0.08)
    x = np.linspace(-0.5, 0.5, side)
    angle = rng.uniform(-0.4, 0.4) + (np.pi / 2 if rng.random() < 0.25 else 0)
    level = np.sin(angle) * x[None] + np.cos(angle) * x[:, None] + np.resize(wave, side)[None]
    return np.asarray(level > rng.uniform(-0.25, 0.25), np.float32)


def simulate_camera(rng: Rng, canvas: Floats) -> NDArray[np.uint8]:
    """Apply random lighting, noise, blur and JPEG compression to a canvas: (S, S, 3) uint8."""
    if rng.random() < 0.4:
        canvas = jitter_colour(rng, canvas, 1)
    if rng.random() < 0.35:
        canvas = canvas + rng.normal(0, rng.uniform(1, 10), canvas.shape).astype(np.float32)
    image = Image.fromarray(canvas.clip(0, 255).astype(np.uint8))
    if rng.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.4)))
    if rng.random() < 0.35:
        stored = io.BytesIO()
        image.save(stored, "JPEG", quality=int(rng.integers(35, 95)))
        image = Image.open(stored)
    return np.asarray(image)
