"""Composite grounds of many regions: what teaches the order of stuff, and of things among it.

A scene of :mod:`recipes.common.object_scenes` is things on one ground or two; a photograph is sky, slope, wall
and meadow beside each other, great and small. A mosaic cuts the picture again and again along smooth lines,
fills each part with stuff of its own and lays few things on top; the truth is every connected visible part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label, zoom

from recipes.common.object_scenes import Draw, Floats, Painter, Scene, photographed, recoloured

FEWEST, MOST = 3, 9
LEAST_SHARE = 0.005


@dataclass(frozen=True)
class Mosaics:
    """Renders mosaics from the media of a painter.

    Attributes:
        painter: what draws things, and holds the backgrounds that stuff is cut from.
        flat: chance of a part of plain colour.
        closest: how near stuff is looked at, at most, as a factor.
        like: chance that a part has nearly the colour of what it borders.
        softest: greatest blur of a border in pixels.
    """

    painter: Painter
    flat: float = 0.2
    closest: float = 5.0
    like: float = 0.4
    softest: float = 2.5

    def __call__(self, draw: Draw) -> Scene:
        """One mosaic; ``owner`` is -1 where a part is too small to count."""
        side = self.painter.side
        canvas, owner = self.stuff(draw), np.zeros((side, side), np.int64)
        for part in range(1, int(draw.integers(FEWEST, MOST + 1))):
            cut = part_of(draw, owner)
            canvas = self._laid(draw, canvas, cut)
            owner[cut] = part
        for thing in range(int(draw.integers(4))):
            canvas, hit = self.painter.paste(draw, canvas, self.painter.thing(draw, 3))
            owner[hit] = MOST + thing
        owner, count = connected(owner, LEAST_SHARE)
        return Scene(photographed(draw, canvas), owner, count)

    def stuff(self, draw: Draw) -> Floats:
        """Grass, wall, cloud, or plain colour in a gradient: (S, S, 3), more even than a whole background."""
        side = self.painter.side
        if draw.random() < self.flat:
            near, far = draw.uniform(0, 255, 3), draw.normal(0, 25, 3)
            ramp = np.linspace(0, 1, side)[:: draw.choice([-1, 1]), None, None]
            return np.broadcast_to(near + far * ramp, (side, side, 3)).astype(np.float32)
        whole = self.painter.ground(draw)
        small = round(side / np.exp(draw.uniform(0, np.log(self.closest))))
        x, y = draw.integers(side - small + 1, size=2)
        colour = zoom(whole[y : y + small, x : x + small], (side / small, side / small, 1), order=1)
        mean = colour.mean((0, 1))
        colour = mean + draw.uniform(0.3, 1) * (colour - mean)
        if draw.random() < 0.5:
            colour = gaussian_filter(colour, (*[np.exp(draw.uniform(-1, 1.5))] * 2, 0))
        return recoloured(draw, colour.astype(np.float32), 0.7)

    def _laid(self, draw: Draw, canvas: Floats, cut: NDArray[np.bool_]) -> Floats:
        colour = self.stuff(draw)
        if draw.random() < self.like:
            colour = colour + draw.uniform(0.4, 0.9) * (canvas[cut].mean(0) - colour[cut].mean(0))
        alpha = gaussian_filter(
            cut.astype(np.float32), np.exp(draw.uniform(np.log(0.3), np.log(self.softest)))
        )
        return np.asarray(canvas + alpha[..., None] * (colour - canvas), np.float32)


def part_of(draw: Draw, owner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A piece of one part of ``owner`` (S, S), 2 to 60 % of it, on one side of a smooth line: (S, S) bool.

    Great parts are cut rather than small ones, yet not always, so that areas differ by orders of magnitude.
    """
    parts, areas = np.unique(owner, return_counts=True)
    chance = areas**0.7
    whole = owner == draw.choice(parts, p=chance / chance.sum())
    field = slope(draw, len(owner))
    share = np.exp(draw.uniform(np.log(0.02), np.log(0.6)))
    return np.asarray(whole & (field > np.quantile(field[whole], 1 - share)))


def slope(draw: Draw, side: int) -> Floats:
    """A height over the square (S, S) whose contours are anything from straight lines to islands."""
    x = np.linspace(-0.5, 0.5, side)
    angle = draw.choice([np.pi / 2, draw.uniform(0, 2 * np.pi)])  # horizons are level more often than not
    plane = np.cos(angle) * x[None] + np.sin(angle) * x[:, None]
    knots = int(draw.integers(4, 8))
    waves = zoom(draw.normal(size=(knots, knots)), side / knots, order=3)
    return np.asarray(draw.choice([-1, 1]) * plane + draw.uniform(0, 0.5) * waves, np.float32)


def connected(owner: NDArray[np.int64], least: float) -> tuple[NDArray[np.int64], int]:
    """Each connected piece of each part under a number of its own, -1 where it is below ``least`` of all."""
    pieces, count = np.full(owner.shape, -1, np.int64), 0
    for part in np.unique(owner):
        found, many = label(owner == part)
        for piece in range(1, many + 1):
            here = found == piece
            if here.mean() >= least:
                pieces[here] = count
                count += 1
    return pieces, count
