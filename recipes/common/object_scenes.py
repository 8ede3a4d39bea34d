"""Composite scenes on the fly: cut-outs, silhouettes filled with texture, wires, split grounds, exact masks.

A lamp has a shade and a foot, a maraca a head and a handle: now and then a part of a cut-out takes another
colour or texture, so that what is learned is the whole and not what looks alike.
Pasted edges are hidden in many ways (feathering, blur of the whole, shadow, light, noise, compression), so
that what is learned is a thing and not the seam around it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter, zoom

from recipes.common.shapes import bent, grained, opaque

Floats = NDArray[np.float32]
Draw = np.random.Generator
MORE = 0.7  # share of things that are from further cut-outs, where there are any
BLOBS, WIRES, PARTED, FILLED, BENT, GRAINED = 0.1, 0.06, 0.3, 0.12, 0.4, 0.25
"""Shares of things: silhouettes of nobody, thin ones, cut-outs of two looks, cut-outs filled with texture; of
cut-outs, those that are bent, and of those not filled, those with a photograph's grain."""


@dataclass(frozen=True)
class Scene:
    """A picture (S, S, 3) uint8 and ``owner`` (S, S): which instance each pixel shows, -1 for none."""

    picture: NDArray[np.uint8]
    owner: NDArray[np.int64]
    count: int


class Painter:
    """Renders scenes from a media folder with ``images/*/*.png`` cut-outs and ``backgrounds/*.jpg``.

    ``more`` holds further cut-outs in folders of their own (:mod:`recipes.proposal_net.cutouts`), opened when
    they are drawn: there may be thousands. Of things, ``MORE`` are from there.
    """

    def __init__(self, media: Path, side: int, more: Path | None = None) -> None:
        self.side = side
        self.things = [_opened(path) for path in sorted(media.glob("images/*/*.png"))]
        self.more = sorted(more.glob("*/*.png")) if more else []
        if more and not self.more:
            raise FileNotFoundError(f"{more}: needs */*.png with alpha")
        self.grounds = [Image.open(p).convert("RGB") for p in sorted(media.glob("backgrounds/*.jpg"))]
        if not self.things or not self.grounds:
            raise FileNotFoundError(f"{media}: needs images/*/*.png with alpha and backgrounds/*.jpg")

    def __call__(self, draw: Draw) -> Scene:
        """One scene."""
        s = self.side
        canvas = self.ground(draw)
        owner = np.full((s, s), -1, np.int64)
        count = 0
        if draw.random() < 0.3:
            region = split(draw, s)
            canvas = _blend(canvas, self.ground(draw), gaussian_filter(region, draw.uniform(0.3, 1.5)))
            owner[region > 0.5] = 0
            owner[region <= 0.5] = 1
            count = 2
        many = int(draw.choice([1, 2, 3, 4, 5, 6, 8], p=[0.2, 0.22, 0.22, 0.14, 0.1, 0.08, 0.04]))
        for _ in range(many):
            layer = self.thing(draw, many)
            canvas, hit = self.paste(draw, canvas, layer)
            owner[hit] = count
            count += 1
        return Scene(photographed(draw, canvas), owner, count)

    def ground(self, draw: Draw) -> Floats:
        """A piece of a background photograph, or now and then plain colour with a gradient."""
        s = self.side
        if draw.random() < 0.06:
            a, b = draw.uniform(0, 255, (2, 3))
            ramp = np.linspace(0, 1, s)[:, None, None]
            return np.broadcast_to(a * (1 - ramp) + b * ramp, (s, s, 3)).astype(np.float32)
        picture = self.grounds[draw.integers(len(self.grounds))]
        scale = s / min(picture.size) * draw.uniform(1, 1.8)
        width, height = max(s, round(picture.width * scale)), max(s, round(picture.height * scale))
        x, y = draw.integers(width - s + 1), draw.integers(height - s + 1)
        box = (
            x / scale,
            y / scale,
            min((x + s) / scale, picture.width),
            min((y + s) / scale, picture.height),
        )
        part = picture.resize((s, s), Image.Resampling.BILINEAR, box=box)
        if draw.random() < 0.5:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return recoloured(draw, np.asarray(part, np.float32), 0.5)

    def thing(self, draw: Draw, many: int) -> Floats:
        """One RGBA layer, cropped to the thing: (h, w, 4)."""
        s = self.side
        high = {1: 0.95, 2: 0.75, 3: 0.65}.get(many, 0.5)
        side = s * np.exp(draw.uniform(np.log(0.18), np.log(high)))
        made_up = draw.random()
        if made_up < BLOBS:
            return self._filled(draw, blob(draw, max(8, round(side))))
        if made_up < BLOBS + WIRES:
            return wire(draw, max(24, round(side)))
        picture = self._picture(draw)
        if draw.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if draw.random() < BENT:
            picture = bent(draw, picture)
        if draw.random() < 0.3:
            picture = picture.rotate(draw.uniform(-40, 40), Image.Resampling.BILINEAR, expand=True)
        stretch = np.exp(draw.uniform(-0.2, 0.2))
        scale = side / max(picture.size)
        size = (
            max(4, round(picture.width * scale * stretch)),
            max(4, round(picture.height * scale / stretch)),
        )
        layer = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2), np.float32)
        if draw.random() < FILLED:
            return self._filled(draw, (layer[..., 3] / 255).astype(np.float32))
        colour = recoloured(draw, layer[..., :3], 0.7)
        if draw.random() < GRAINED:
            colour = grained(draw, colour, self._texture(draw, *colour.shape[:2]))
        layer = np.dstack([colour, layer[..., 3]]).astype(np.float32)
        return self._parted(draw, layer) if draw.random() < PARTED else layer

    def _parted(self, draw: Draw, layer: Floats) -> Floats:
        """A layer (h, w, 4), one end of which looks different: other colours, grey, or textured."""
        height, width = layer.shape[:2]
        end = split(draw, max(height, width))[:height, :width, None]
        if draw.random() < 0.3:
            other = self._filled(draw, np.asarray(layer[..., 3] / 255, np.float32))[..., :3]
        else:
            other = layer[..., draw.permutation(3)]
            grey = draw.uniform(0, 1) * (draw.random() < 0.5)
            other = other + grey * (other.mean(-1, keepdims=True) - other)
            other = other * np.exp(draw.uniform(-0.7, 0.4)) + draw.uniform(-60, 60, 3)
        colour = layer[..., :3] + end * (other - layer[..., :3])
        return np.dstack([colour, layer[..., 3]]).astype(np.float32)

    def _picture(self, draw: Draw) -> Image.Image:
        if self.more and draw.random() < MORE:
            return _opened(self.more[draw.integers(len(self.more))])
        return self.things[draw.integers(len(self.things))]

    def _filled(self, draw: Draw, alpha: Floats) -> Floats:
        return np.dstack([self._texture(draw, *alpha.shape), alpha * 255]).astype(np.float32)

    def _texture(self, draw: Draw, height: int, width: int) -> Floats:
        texture = self.ground(draw)
        return np.tile(texture, (height // self.side + 1, width // self.side + 1, 1))[:height, :width]

    def paste(self, draw: Draw, canvas: Floats, layer: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """A layer (h, w, 4) somewhere on the canvas, and the pixels it hides (S, S)."""
        s = self.side
        height, width = layer.shape[:2]
        x = round(draw.uniform(-0.25 * width, s - 0.75 * width))
        y = round(draw.uniform(-0.25 * height, s - 0.75 * height))
        x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + width, s), min(y + height, s)
        alpha = np.zeros((s, s), np.float32)
        colour = np.zeros((s, s, 3), np.float32)
        alpha[y1:y2, x1:x2] = layer[y1 - y : y2 - y, x1 - x : x2 - x, 3] / 255
        colour[y1:y2, x1:x2] = layer[y1 - y : y2 - y, x1 - x : x2 - x, :3]
        hit = alpha > 0.5
        canvas = canvas.copy()
        if draw.random() < 0.35:
            canvas = _shadowed(draw, canvas, alpha)
        if draw.random() < 0.4 and hit.any():  # as lit as what surrounds it
            here, there = colour[hit].mean(0), canvas[hit].mean(0)
            colour = colour + draw.uniform(0.1, 0.6) * (there - here)
        if draw.random() < 0.3:
            colour = colour * (0.75 + 0.5 * _ramp(draw, s))[..., None]
        if draw.random() < 0.5:
            alpha = gaussian_filter(alpha, draw.uniform(0.3, 1.2)) * alpha**0.5
        return _blend(canvas, colour.astype(np.float32), alpha), hit


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        picture = opened.convert("RGBA")
    picture = picture.crop(opaque(picture))
    picture.thumbnail((320, 320))
    return picture


def _blend(under: Floats, over: Floats, alpha: Floats) -> Floats:
    return np.asarray(under + alpha[..., None] * (over - under), np.float32)


def recoloured(draw: Draw, colour: Floats, chance: float) -> Floats:
    """In another light, with other saturation: (h, w, 3) to the same."""
    if draw.random() > chance:
        return colour
    gain = np.exp(draw.uniform(-0.35, 0.35) + draw.uniform(-0.12, 0.12, 3))
    grey = colour.mean(-1, keepdims=True)
    saturation = draw.uniform(0.2, 1.3)
    return np.asarray((grey + saturation * (colour - grey)) * gain + draw.uniform(-20, 20), np.float32)


def _ramp(draw: Draw, side: int) -> Floats:
    angle = draw.uniform(0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, side)
    return np.asarray(0.5 + 0.7 * (np.cos(angle) * x[None] + np.sin(angle) * x[:, None]), np.float32)


def _shadowed(draw: Draw, canvas: Floats, alpha: Floats) -> Floats:
    shift = (round(draw.uniform(0, 10)), round(draw.uniform(-10, 10)))
    shadow = gaussian_filter(np.roll(alpha, shift, (0, 1))[::2, ::2], draw.uniform(1, 4))
    shadow = shadow.repeat(2, 0).repeat(2, 1)[: len(alpha), : len(alpha)]
    return np.asarray(canvas * (1 - draw.uniform(0.15, 0.6) * shadow)[..., None], np.float32)


def blob(draw: Draw, side: int) -> Floats:
    """A silhouette of no thing in particular: about (side, side), 0 or 1."""
    noise = zoom(draw.normal(size=(5, 5)), side / 5, order=3)
    x = np.linspace(-1, 1, len(noise))
    field = (
        noise * 0.5
        + 1.1
        - 2.2 * np.hypot(x[None] * draw.uniform(0.8, 1.5), x[:, None] * draw.uniform(0.8, 1.5))
    )
    return np.asarray(field > 0, np.float32)


def wire(draw: Draw, side: int) -> Floats:
    """A thin thing of tubes, rings and discs that hang together, smoothly coloured: (h, w, 4)."""
    picture = Image.new("L", (side * 2, side * 2))  # drawn twice as large, so that outlines are smooth
    pen = ImageDraw.Draw(picture)
    thick = max(3, round(side * 2 * draw.uniform(0.015, 0.06)))
    at = draw.uniform(0.25, 0.75, 2) * side * 2
    for _ in range(int(draw.integers(2, 6))):
        to = draw.uniform(0.08, 0.92, 2) * side * 2
        pen.line([*at, *to], fill=255, width=thick)
        kind, size = draw.random(), draw.uniform(0.06, 0.2) * side * 2
        box = [*(to - size * draw.uniform(0.4, 1)), *(to + size * draw.uniform(0.4, 1))]
        if kind < 0.35:
            pen.ellipse(box, outline=255, width=thick)
        elif kind < 0.5:
            pen.ellipse(box, fill=255)
        at = at if draw.random() < 0.4 else to
    alpha = picture.resize((side, side), Image.Resampling.BOX)
    left, top, right, bottom = alpha.getbbox() or (0, 0, side, side)
    light, dark = draw.uniform(30, 255, 3), draw.uniform(0, 160, 3)
    shine = np.abs(2 * _ramp(draw, side) * draw.uniform(1, 3) % 2 - 1)[..., None]
    layer = np.dstack([dark + shine * (light - dark), np.asarray(alpha, np.float32)])
    return layer[top:bottom, left:right].astype(np.float32)


def split(draw: Draw, side: int) -> Floats:
    """One side of a wavy line across a square: (side, side), 0 or 1."""
    wave: Floats = zoom(draw.normal(size=8), side / 8, order=3)[:side] * draw.uniform(0, 0.08)
    x = np.linspace(-0.5, 0.5, side)
    angle = draw.uniform(-0.4, 0.4) + (np.pi / 2 if draw.random() < 0.25 else 0)
    level = np.sin(angle) * x[None] + np.cos(angle) * x[:, None] + np.resize(wave, side)[None]
    return np.asarray(level > draw.uniform(-0.25, 0.25), np.float32)


def photographed(draw: Draw, canvas: Floats) -> NDArray[np.uint8]:
    """Seen through a camera: light, grain, blur, compression."""
    if draw.random() < 0.4:
        canvas = recoloured(draw, canvas, 1)
    if draw.random() < 0.35:
        canvas = canvas + draw.normal(0, draw.uniform(1, 10), canvas.shape).astype(np.float32)
    picture = Image.fromarray(canvas.clip(0, 255).astype(np.uint8))
    if draw.random() < 0.35:
        picture = picture.filter(ImageFilter.GaussianBlur(draw.uniform(0.3, 1.4)))
    if draw.random() < 0.35:
        stored = io.BytesIO()
        picture.save(stored, "JPEG", quality=int(draw.integers(35, 95)))
        picture = Image.open(stored)
    return np.asarray(picture)
