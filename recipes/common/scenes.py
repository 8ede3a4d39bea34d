"""Composite scenes whose things have kinds, with exact masks and masks as imperfect as a network's.

One to four things at any scale and place, hidden in part, on photographs, textures and plain colour, in any
light; some of them mute. Deterministic by the generator that is passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter

from recipes.common.media_bank import SILENT
from recipes.common.object_scenes import Draw, Floats, Painter, blob, photographed, recoloured, split

Mask = NDArray[np.bool_]
SIDES = (192, 224, 224, 288)
LEAST_VISIBLE = 0.4
"""Share of a thing's own pixels that must be seen for the thing to count."""
GROUND = -1


@dataclass(frozen=True)
class Scene:
    """A composite.

    Attributes:
        picture: (S, S, 3) uint8.
        owner: (S, S) int64, which thing each pixel shows, -1 for the ground.
        kinds: of the things, in the order of ``owner``; ``library.SILENT`` for a mute one.
        files: which cut-out each thing is.
    """

    picture: NDArray[np.uint8]
    owner: NDArray[np.int64]
    kinds: tuple[str, ...]
    files: tuple[str, ...]

    def masks(self) -> Mask:
        """Exact masks of the things: (N, S, S)."""
        return np.asarray(self.owner[None] == np.arange(len(self.kinds))[:, None, None])


class Composer:
    """Renders scenes from a library that :mod:`recipes.common.media_bank` built.

    Args:
        pictures: folder with ``<kind>/*.png``.
        grounds: folder with ``*.jpg``.
        kinds: which kinds may appear beside mute things; all that have pictures if None.
        sounding: kinds that have recordings; the rest are treated as mute.
    """

    def __init__(
        self, pictures: Path, grounds: Path, sounding: Sequence[str], kinds: Sequence[str] | None = None
    ) -> None:
        named = {path.name: sorted(path.glob("*.png")) for path in sorted(pictures.iterdir())}
        self.cutouts = {
            name: paths
            for name, paths in named.items()
            if paths and (name == SILENT or (name in sounding and (kinds is None or name in kinds)))
        }
        self.names = [name for name in self.cutouts if name != SILENT]
        self.grounds = sorted(grounds.glob("*.jpg"))
        if not self.names or not self.grounds:
            raise FileNotFoundError(f"{pictures}, {grounds}: needs <kind>/*.png with alpha and *.jpg")
        self._opened: dict[Path, Image.Image] = {}
        self._painters = {side: self._painter(side) for side in set(SIDES)}

    def _painter(self, side: int) -> Painter:
        painter = Painter.__new__(Painter)
        painter.side, painter.things = side, []
        painter.grounds = [Image.open(path).convert("RGB") for path in self.grounds]
        return painter

    def __call__(self, draw: Draw, first: str | None = None) -> Scene:
        """One scene; ``first`` is the kind of one of its things."""
        painter = self._painters[int(draw.choice(SIDES))]
        while True:
            scene = self._drawn(draw, painter, first)
            if scene is not None:
                return replace(scene, picture=faded(draw, scene.picture))

    def _drawn(self, draw: Draw, painter: Painter, first: str | None) -> Scene | None:
        many = int(draw.choice([1, 2, 3, 4], p=[0.15, 0.35, 0.35, 0.15]))
        if SILENT not in self.cutouts:
            many = min(many, len(self.names))  # each kind once
        names = [first or self.names[draw.integers(len(self.names))]]
        while len(names) < many:
            mute = SILENT in self.cutouts and draw.random() < 0.3
            name = SILENT if mute else self.names[draw.integers(len(self.names))]
            if name == SILENT or name not in names:
                names.append(name)
        draw.shuffle(names)
        canvas = self._ground(draw, painter)
        owner = np.full((painter.side, painter.side), -1, np.int64)
        whole, files = [], []
        for index, name in enumerate(names):
            path = self.cutouts[name][draw.integers(len(self.cutouts[name]))]
            layer = self._layer(draw, painter, path, many)
            canvas, hit = painter.paste(draw, canvas, layer)
            owner[hit] = index
            whole.append(max(1.0, float((layer[..., 3] > 127).sum())))
            files.append(f"{name}/{path.stem}")
        seen = np.array([(owner == index).sum() for index in range(many)])
        kept = [
            index for index in range(many) if seen[index] > 60 and seen[index] >= LEAST_VISIBLE * whole[index]
        ]
        if not kept or (first is not None and names.index(first) not in kept):
            return None
        renumbered = np.full_like(owner, -1)
        for new, old in enumerate(kept):
            renumbered[owner == old] = new
        return Scene(
            photographed(draw, canvas),
            renumbered,
            tuple(names[index] for index in kept),
            tuple(files[index] for index in kept),
        )

    def _ground(self, draw: Draw, painter: Painter) -> Floats:
        canvas = painter.ground(draw)
        if draw.random() < 0.15:
            edge = gaussian_filter(split(draw, painter.side), draw.uniform(0.3, 1.5))
            canvas = canvas + edge[..., None] * (painter.ground(draw) - canvas)
        if draw.random() < 0.1:
            canvas = gaussian_filter(canvas, (draw.uniform(1, 6),) * 2 + (0,))
        if draw.random() < 0.06:
            rough = draw.normal(size=canvas.shape) * draw.uniform(10, 80)
            canvas = 128 + gaussian_filter(rough, (draw.uniform(0.5, 4),) * 2 + (0,)) * 4
        return np.asarray(canvas, np.float32)

    def _layer(self, draw: Draw, painter: Painter, path: Path, many: int) -> Floats:
        picture = self._opened.get(path)
        if picture is None:
            picture = self._opened[path] = Image.open(path).convert("RGBA")
        if draw.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if draw.random() < 0.35:
            picture = picture.rotate(draw.uniform(-30, 30), Image.Resampling.BILINEAR, expand=True)
        high = {1: 0.95, 2: 0.75, 3: 0.6, 4: 0.5}[many]
        side = painter.side * np.exp(draw.uniform(np.log(0.2), np.log(high)))
        stretch = np.exp(draw.normal(0, 0.12))
        scale = side / max(picture.size)
        size = (
            max(6, round(picture.width * scale * stretch)),
            max(6, round(picture.height * scale / stretch)),
        )
        layer = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2), np.float32)
        colour = recoloured(draw, layer[..., :3], 0.7)
        if draw.random() < 0.08:
            colour = np.repeat(colour.mean(-1, keepdims=True), 3, -1)
        if draw.random() < 0.06:
            colour = colour @ draw.permutation(np.eye(3, dtype=np.float32))
        return np.dstack([colour, layer[..., 3]]).astype(np.float32)


def faded(draw: Draw, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sometimes without colour."""
    if draw.random() >= 0.08:
        return picture
    grey = picture.mean(-1, keepdims=True).astype(np.uint8)
    return np.repeat(grey, 3, -1)


def imperfect(draw: Draw, scene: Scene) -> Mask:
    """Candidate masks (M, S, S) of a scene: things as a network cuts them out, parts, pairs, and ground."""
    side = len(scene.owner)
    found = []
    for mask in scene.masks():
        found.append(frayed(draw, mask))
        if draw.random() < 0.2:
            found.append(part(draw, mask))
    ground = scene.owner == -1
    if len(found) > 1 and draw.random() < 0.25:
        pair = draw.choice(len(scene.kinds), 2, replace=False) if len(scene.kinds) > 1 else [0, 0]
        found.append(np.isin(scene.owner, pair))
    if draw.random() < 0.5:
        found.append(ground & (split(draw, side)[:side, :side] > 0.5))
    if draw.random() < 0.5:
        size = int(draw.integers(side // 8, side // 2))
        shape = blob(draw, size)[:side, :side] > 0.5
        y, x = draw.integers(side - len(shape) + 1), draw.integers(side - shape.shape[1] + 1)
        spot = np.zeros_like(ground)
        spot[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
        found.append(spot)
    kept = [mask for mask in found if mask.sum() > 40]
    return np.stack(kept) if kept else scene.masks()


def frayed(draw: Draw, mask: Mask) -> Mask:
    """A mask a little too large, too small, or with a rough edge; as it is now and then."""
    chance = draw.random()
    if chance < 0.35:
        return mask
    reach = int(draw.integers(1, max(2, round(0.05 * np.sqrt(mask.sum())) + 1)))
    if chance < 0.6:
        return np.asarray(binary_dilation(mask, iterations=reach))
    if chance < 0.75:
        thin = np.asarray(binary_erosion(mask, iterations=reach))
        return thin if thin.sum() > 0.4 * mask.sum() else mask
    noise = gaussian_filter(draw.normal(size=mask.shape), 3)
    soft = gaussian_filter(mask.astype(np.float32), 1 + reach) + noise / noise.std() * 0.15
    rough = np.asarray(soft > 0.5)
    return rough if rough.sum() > 0.4 * mask.sum() else mask


def part(draw: Draw, mask: Mask) -> Mask:
    """A piece of a thing on one side of a line."""
    side = len(mask)
    ys, xs = np.nonzero(mask)
    angle = draw.uniform(0, 2 * np.pi)
    along = np.cos(angle) * xs + np.sin(angle) * ys
    level = np.quantile(along, draw.uniform(0.3, 0.7))
    grid = np.cos(angle) * np.arange(side)[None] + np.sin(angle) * np.arange(side)[:, None]
    return np.asarray(mask & (grid > level))


def owners(masks: Mask, scene: Scene) -> NDArray[np.int64]:
    """Which thing each candidate (M, S, S) shows (IoU at least .4), -1 for none: (M,)."""
    exact = scene.masks().reshape(len(scene.kinds), -1).astype(np.float32)
    given = masks.reshape(len(masks), -1).astype(np.float32)
    joint = given @ exact.T
    overlap = joint / (given.sum(1)[:, None] + exact.sum(1)[None] - joint).clip(1)
    return np.where(overlap.max(1) >= 0.4, overlap.argmax(1), GROUND)
