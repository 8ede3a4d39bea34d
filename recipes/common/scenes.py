"""Composite scenes of objects with classes and exact masks.

A scene has one to four objects of random scale and position, which occlude each other, on photographs,
textures or plain colour, with random lighting. Some objects are silent. The result is a function of the
random generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from recipes.common.media_bank import SILENT
from recipes.common.object_scenes import (
    Floats,
    Painter,
    Rng,
    jitter_colour,
    random_half_plane,
    simulate_camera,
)

Mask = NDArray[np.bool_]
SIDES = (192, 224, 224, 288)
MIN_VISIBLE = 0.4
"""Minimum visible share of the pixels of an object."""
GROUND = -1


@dataclass(frozen=True)
class Scene:
    """A composite.

    Attributes:
        image: (S, S, 3) uint8.
        owner: (S, S) int64, index of the object that each pixel shows, -1 for the background.
        class_names: class of each object; ``SILENT`` for a silent one.
        files: cut-out of each object.
    """

    image: NDArray[np.uint8]
    owner: NDArray[np.int64]
    class_names: tuple[str, ...]
    files: tuple[str, ...]

    def masks(self) -> Mask:
        """Exact masks of the objects: (N, S, S) bool."""
        return np.asarray(self.owner[None] == np.arange(len(self.class_names))[:, None, None])


class Composer:
    """Renders scenes from the media bank of :mod:`recipes.common.media_bank`.

    Args:
        cutouts_folder: folder with ``<class>/*.png``.
        grounds: folder of backgrounds, ``*.jpg``.
        sounding: classes with recordings; cut-outs of other classes are not used.
        class_names: classes to use besides silent objects; all sounding classes with cut-outs if None.

    Raises:
        FileNotFoundError: there is no cut-out or no background.
    """

    def __init__(
        self,
        cutouts_folder: Path,
        grounds: Path,
        sounding: Sequence[str],
        class_names: Sequence[str] | None = None,
    ) -> None:
        named = {path.name: sorted(path.glob("*.png")) for path in sorted(cutouts_folder.iterdir())}
        self.cutouts = {
            name: paths
            for name, paths in named.items()
            if paths
            and (name == SILENT or (name in sounding and (class_names is None or name in class_names)))
        }
        self.names = [name for name in self.cutouts if name != SILENT]
        self.grounds = sorted(grounds.glob("*.jpg"))
        if not self.names or not self.grounds:
            raise FileNotFoundError(f"{cutouts_folder}, {grounds}: needs <class>/*.png with alpha and *.jpg")
        self._opened: dict[Path, Image.Image] = {}
        self._painters = {side: self._painter(side) for side in set(SIDES)}

    def _painter(self, side: int) -> Painter:
        painter = Painter.__new__(Painter)
        painter.side, painter.things = side, []
        painter.grounds = [Image.open(path).convert("RGB") for path in self.grounds]
        return painter

    def __call__(self, rng: Rng, first: str | None = None) -> Scene:
        """Render a scene; ``first`` is the class of one of its objects."""
        painter = self._painters[int(rng.choice(SIDES))]
        while True:
            scene = self._render(rng, painter, first)
            if scene is not None:
                return replace(scene, image=drop_colour(rng, scene.image))

    def _render(self, rng: Rng, painter: Painter, first: str | None) -> Scene | None:
        many = int(rng.choice([1, 2, 3, 4], p=[0.15, 0.35, 0.35, 0.15]))
        if SILENT not in self.cutouts:
            many = min(many, len(self.names))  # each class once
        names = [first or self.names[rng.integers(len(self.names))]]
        while len(names) < many:
            silent = SILENT in self.cutouts and rng.random() < 0.3
            name = SILENT if silent else self.names[rng.integers(len(self.names))]
            if name == SILENT or name not in names:
                names.append(name)
        rng.shuffle(names)
        canvas = self._ground(rng, painter)
        owner = np.full((painter.side, painter.side), -1, np.int64)
        full_areas, files = [], []
        for index, name in enumerate(names):
            path = self.cutouts[name][rng.integers(len(self.cutouts[name]))]
            layer = self._layer(rng, painter, path, many)
            canvas, hit = painter.paste(rng, canvas, layer)
            owner[hit] = index
            full_areas.append(max(1.0, float((layer[..., 3] > 127).sum())))
            files.append(f"{name}/{path.stem}")
        visible_areas = np.array([(owner == index).sum() for index in range(many)])
        kept = [
            index
            for index in range(many)
            if visible_areas[index] > 60 and visible_areas[index] >= MIN_VISIBLE * full_areas[index]
        ]
        if not kept or (first is not None and names.index(first) not in kept):
            return None
        renumbered = np.full_like(owner, -1)
        for new, old in enumerate(kept):
            renumbered[owner == old] = new
        return Scene(
            simulate_camera(rng, canvas),
            renumbered,
            tuple(names[index] for index in kept),
            tuple(files[index] for index in kept),
        )

    def _ground(self, rng: Rng, painter: Painter) -> Floats:
        canvas = painter.ground(rng)
        if rng.random() < 0.15:
            edge = gaussian_filter(random_half_plane(rng, painter.side), rng.uniform(0.3, 1.5))
            canvas = canvas + edge[..., None] * (painter.ground(rng) - canvas)
        if rng.random() < 0.1:
            canvas = gaussian_filter(canvas, (rng.uniform(1, 6),) * 2 + (0,))
        if rng.random() < 0.06:
            rough = rng.normal(size=canvas.shape) * rng.uniform(10, 80)
            canvas = 128 + gaussian_filter(rough, (rng.uniform(0.5, 4),) * 2 + (0,)) * 4
        return np.asarray(canvas, np.float32)

    def _layer(self, rng: Rng, painter: Painter, path: Path, many: int) -> Floats:
        image = self._opened.get(path)
        if image is None:
            image = self._opened[path] = Image.open(path).convert("RGBA")
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < 0.35:
            image = image.rotate(rng.uniform(-30, 30), Image.Resampling.BILINEAR, expand=True)
        high = {1: 0.95, 2: 0.75, 3: 0.6, 4: 0.5}[many]
        side = painter.side * np.exp(rng.uniform(np.log(0.2), np.log(high)))
        stretch = np.exp(rng.normal(0, 0.12))
        scale = side / max(image.size)
        size = (
            max(6, round(image.width * scale * stretch)),
            max(6, round(image.height * scale / stretch)),
        )
        layer = np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2), np.float32)
        colour = jitter_colour(rng, layer[..., :3], 0.7)
        if rng.random() < 0.08:
            colour = np.repeat(colour.mean(-1, keepdims=True), 3, -1)
        if rng.random() < 0.06:
            colour = colour @ rng.permutation(np.eye(3, dtype=np.float32))
        return np.dstack([colour, layer[..., 3]]).astype(np.float32)


def drop_colour(rng: Rng, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert an image (S, S, 3) to grey with probability 0.08."""
    if rng.random() >= 0.08:
        return image
    grey = image.mean(-1, keepdims=True).astype(np.uint8)
    return np.repeat(grey, 3, -1)
