"""Composite backgrounds of many regions, for fitting the region scores of stuff and things.

A scene of :mod:`recipes.common.object_scenes` has one or two background regions; photographs have many, of
different sizes. A mosaic splits the image repeatedly along smooth lines, fills each part with a different
texture and pastes a few objects on top. The ground truth is every connected visible part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label, zoom

from recipes.common.object_scenes import Floats, Painter, Rng, Scene, jitter_colour, simulate_camera

MIN_PARTS, MAX_PARTS = 3, 9
MIN_SHARE = 0.005


@dataclass(frozen=True)
class Mosaics:
    """Renders mosaics from the media of a painter.

    Attributes:
        painter: renders objects, and holds the background photographs from which stuff is cropped.
        flat: probability of a part of plain colour.
        closest: maximum magnification of stuff.
        similar_colour: probability that a part has nearly the colour of its surroundings.
        softest: maximum blur of a boundary in pixels.
    """

    painter: Painter
    flat: float = 0.2
    closest: float = 5.0
    similar_colour: float = 0.4
    softest: float = 2.5

    def __call__(self, rng: Rng) -> Scene:
        """Render a mosaic; ``owner`` is -1 for parts below the minimum size."""
        side = self.painter.side
        canvas, owner = self.stuff(rng), np.zeros((side, side), np.int64)
        for part in range(1, int(rng.integers(MIN_PARTS, MAX_PARTS + 1))):
            region = cut_part(rng, owner)
            canvas = self._fill_region(rng, canvas, region)
            owner[region] = part
        for thing in range(int(rng.integers(4))):
            canvas, hit = self.painter.paste(rng, canvas, self.painter.thing(rng, 3))
            owner[hit] = MAX_PARTS + thing
        owner, count = label_connected(owner, MIN_SHARE)
        return Scene(simulate_camera(rng, canvas), owner, count)

    def stuff(self, rng: Rng) -> Floats:
        """A texture cut from a background, or a colour gradient: (S, S, 3)."""
        side = self.painter.side
        if rng.random() < self.flat:
            near, far = rng.uniform(0, 255, 3), rng.normal(0, 25, 3)
            ramp = np.linspace(0, 1, side)[:: rng.choice([-1, 1]), None, None]
            return np.broadcast_to(near + far * ramp, (side, side, 3)).astype(np.float32)
        parent = self.painter.ground(rng)
        small = round(side / np.exp(rng.uniform(0, np.log(self.closest))))
        x, y = rng.integers(side - small + 1, size=2)
        colour = zoom(parent[y : y + small, x : x + small], (side / small, side / small, 1), order=1)
        mean = colour.mean((0, 1))
        colour = mean + rng.uniform(0.3, 1) * (colour - mean)
        if rng.random() < 0.5:
            colour = gaussian_filter(colour, (*[np.exp(rng.uniform(-1, 1.5))] * 2, 0))
        return jitter_colour(rng, colour.astype(np.float32), 0.7)

    def _fill_region(self, rng: Rng, canvas: Floats, region: NDArray[np.bool_]) -> Floats:
        colour = self.stuff(rng)
        if rng.random() < self.similar_colour:
            colour = colour + rng.uniform(0.4, 0.9) * (canvas[region].mean(0) - colour[region].mean(0))
        alpha = gaussian_filter(
            region.astype(np.float32), np.exp(rng.uniform(np.log(0.3), np.log(self.softest)))
        )
        return np.asarray(canvas + alpha[..., None] * (colour - canvas), np.float32)


def cut_part(rng: Rng, owner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Cut 2 to 60 % of one part of ``owner`` (S, S) along a smooth line: (S, S) bool.

    Larger parts are cut with higher probability, so that areas differ by orders of magnitude.
    """
    parts, areas = np.unique(owner, return_counts=True)
    weights = areas**0.7
    parent = owner == rng.choice(parts, p=weights / weights.sum())
    field = random_height_field(rng, len(owner))
    share = np.exp(rng.uniform(np.log(0.02), np.log(0.6)))
    return np.asarray(parent & (field > np.quantile(field[parent], 1 - share)))


def random_height_field(rng: Rng, side: int) -> Floats:
    """A random scalar field (S, S) with contours from straight lines to islands."""
    x = np.linspace(-0.5, 0.5, side)
    angle = rng.choice([np.pi / 2, rng.uniform(0, 2 * np.pi)])  # horizontal lines are the most frequent
    plane = np.cos(angle) * x[None] + np.sin(angle) * x[:, None]
    knots = int(rng.integers(4, 8))
    waves = zoom(rng.normal(size=(knots, knots)), side / knots, order=3)
    return np.asarray(rng.choice([-1, 1]) * plane + rng.uniform(0, 0.5) * waves, np.float32)


def label_connected(owner: NDArray[np.int64], min_share: float) -> tuple[NDArray[np.int64], int]:
    """Number the connected components of each part; those below ``min_share`` of the image are -1."""
    pieces, count = np.full(owner.shape, -1, np.int64), 0
    for part in np.unique(owner):
        found, many = label(owner == part)
        for piece in range(1, many + 1):
            here = found == piece
            if here.mean() >= min_share:
                pieces[here] = count
                count += 1
    return pieces, count
