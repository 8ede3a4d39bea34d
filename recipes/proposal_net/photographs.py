"""Training samples from photographs with instance masks: crops, mosaics, pasted objects.

A folder holds JPEG files and ``instances.jsonl``, one line a photograph: ``file``, ``width``, ``height``,
``vocabulary``, ``quality``, and ``instances`` with ``class``, ``box``, ``rle`` (COCO string, null without a
mask) and ``crowd``.

No source outlines everything in a photograph, so a location outside the instances is a weak negative, and
none in a photograph of a partial vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from recipes.common.object_scenes import Floats, Painter, Rng, jitter_colour, simulate_camera
from recipes.common.photographs import FULL, WHITE, read_rows
from recipes.common.shapes import find_opaque_box
from recipes.proposal_net.samples import MIN_PIXELS, Sample, sample_of_scene

EXACT = ("exact", WHITE)  # qualities whose outlines teach boundaries
OUTSIDE = 0.35  # weight of a negative outside the instances, in photographs of a full vocabulary
SHARES = {"exact": 1.0, "good": 0.4, "coarse": 0.3}  # relative frequency of photographs by quality
CROWDED = 1.5  # factor on it for photographs with instances of many classes (COCO, LVIS)
COMPOSITES, MOSAICS, PASTED = 0.3, 0.25, 0.25  # shares of samples; the last two of photographs
NEAREST, FARTHEST = 1.8, 0.8  # size of the photograph (root of its area), in sides of the sample
AIMED = 0.7  # share of crops that contain the centre of a random instance
PADDING = 127


@dataclass(frozen=True)
class Photograph:
    """A line of the index.

    Attributes:
        path: JPEG file.
        width: pixels.
        height: pixels.
        vocabulary: what was outlined.
        quality: of the outlines.
        instances: COCO strings of the instances.
        ignored: COCO strings of crowds and of boxes without a mask.
    """

    path: Path
    width: int
    height: int
    vocabulary: str
    quality: str
    instances: tuple[str, ...]
    ignored: tuple[str, ...]

    def image(self) -> Image.Image:
        """The image, RGB."""
        with Image.open(self.path) as opened:
            return opened.convert("RGB")

    def decode(self, strings: tuple[str, ...]) -> NDArray[np.uint8]:
        """Masks (K, height, width) uint8 of COCO strings, 0 or 1."""
        if not strings:
            return np.zeros((0, self.height, self.width), np.uint8)
        coded = [{"size": [self.height, self.width], "counts": text} for text in strings]
        return np.ascontiguousarray(coco_mask.decode(coded).transpose(2, 0, 1))


def read_photographs(folder: Path) -> list[Photograph]:
    """Photographs of a folder with at least one instance mask."""
    found = []
    for row in read_rows(folder):
        given = row.get("instances", [])
        real = tuple(each["rle"] for each in given if each["rle"] and not each["crowd"])
        if not real:
            continue
        boxes = [_box_string(row, each["box"]) for each in given if not each["rle"]]
        crowds = [each["rle"] for each in given if each["rle"] and each["crowd"]]
        found.append(
            Photograph(
                folder / row["file"],
                row["width"],
                row["height"],
                row["vocabulary"],
                row["quality"],
                real,
                (*boxes, *crowds),
            )
        )
    return found


def _box_string(row: dict[str, Any], box: list[float]) -> str:
    full = np.zeros((row["height"], row["width"]), np.uint8, order="F")
    left, top, right, bottom = (round(value) for value in box)
    full[top:bottom, left:right] = 1
    return str(coco_mask.encode(full)["counts"].decode())


class PhotographSamples:
    """Draws samples of photographs and of composites.

    Args:
        photographs: from :func:`read_photographs`.
        painter: renders composites, and objects to paste on photographs.
        side: S of the samples, a multiple of 32.
        composites: share of composites.
    """

    def __init__(
        self, photographs: list[Photograph], painter: Painter, side: int, composites: float = COMPOSITES
    ) -> None:
        self.painter, self.side, self.composites = painter, side, composites
        self.scenes = [each for each in photographs if each.quality != WHITE]
        self.objects = [each for each in photographs if each.quality == WHITE]
        weights = np.array(
            [
                SHARES[each.quality] * (CROWDED if each.vocabulary in ("coco80", "lvis") else 1)
                for each in self.scenes
            ]
        )
        self.weights = weights / weights.sum()

    def __call__(self, rng: Rng) -> Sample:
        """Draw a sample."""
        if rng.random() < self.composites:
            return sample_of_scene(self.painter(rng))
        return self.photograph(rng)

    def photograph(self, rng: Rng) -> Sample:
        """A sample of one photograph, or of four side by side, some with pasted objects."""
        if rng.random() < MOSAICS:
            image, masks, weights = self._mosaic(rng)
        else:
            image, masks, weights = self._crop(rng, self.side)
        canvas = jitter_colour(rng, image, 0.6)
        if rng.random() < PASTED:
            canvas, masks, weights = self._paste(rng, canvas, masks, weights)
        seen = masks.sum((1, 2))
        masks, weights = masks[seen >= MIN_PIXELS], weights * ~masks[seen < MIN_PIXELS].any(0)
        finished = (
            simulate_camera(rng, canvas) if rng.random() < 0.3 else canvas.clip(0, 255).astype(np.uint8)
        )
        return Sample(finished, masks, weights.astype(np.float32))

    def _mosaic(self, rng: Rng) -> tuple[Floats, NDArray[np.bool_], Floats]:
        half = self.side // 2
        tiles = [self._crop(rng, half) for _ in range(4)]
        rows = [np.concatenate([tiles[k][0], tiles[k + 1][0]], 1) for k in (0, 2)]
        weights = [np.concatenate([tiles[k][2], tiles[k + 1][2]], 1) for k in (0, 2)]
        masks = []
        for place, (_, each, _) in enumerate(tiles):
            full = np.zeros((len(each), self.side, self.side), bool)
            top, left = place // 2 * half, place % 2 * half
            full[:, top : top + half, left : left + half] = each
            masks.append(full)
        return np.concatenate(rows), np.concatenate(masks), np.concatenate(weights)

    def _crop(self, rng: Rng, side: int) -> tuple[Floats, NDArray[np.bool_], Floats]:
        """A random crop of a random photograph: colour (s, s, 3), masks (K, s, s), weights (s, s)."""
        chosen = self.scenes[rng.choice(len(self.scenes), p=self.weights)]
        instances, ignored = chosen.decode(chosen.instances), chosen.decode(chosen.ignored)
        size = (chosen.width * chosen.height) ** 0.5
        scale = side * np.exp(rng.uniform(np.log(FARTHEST), np.log(NEAREST))) / size
        stretch = np.exp(rng.uniform(-0.15, 0.15))
        width, height = side / (scale * stretch), side / (scale / stretch)
        aim = None
        if rng.random() < AIMED:
            ys, xs = np.nonzero(instances[rng.integers(len(instances))])
            aim = (float(xs.mean()), float(ys.mean()))
        left = _start(rng, chosen.width, width, aim and aim[0])
        top = _start(rng, chosen.height, height, aim and aim[1])
        box = (left, top, left + width, top + height)
        flip = rng.random() < 0.5
        image = np.asarray(_cut(chosen.image(), box, side, flip, (PADDING,) * 3), np.float32)
        planes = [
            np.asarray(_cut(Image.fromarray(each * 255), box, side, flip, 0)) > 127
            for each in (*instances, *ignored)
        ]
        masks = np.array(planes[: len(instances)]).reshape(-1, side, side)
        weights = np.full((side, side), OUTSIDE if chosen.vocabulary in FULL else 0.0, np.float32)
        for each in planes[len(instances) :]:
            weights[each] = 0
        if chosen.quality == "exact":
            weights[masks.any(0)] = 1
        return image, masks, weights

    def _paste(
        self, rng: Rng, canvas: Floats, masks: NDArray[np.bool_], weights: Floats
    ) -> tuple[Floats, NDArray[np.bool_], Floats]:
        for _ in range(int(rng.integers(1, 4))):
            layer = self.painter.thing(rng, 4)
            if self.objects and rng.random() < 0.5:
                layer = self._white_object(rng)
            canvas, hit = self.painter.paste(rng, canvas, layer)
            masks = np.concatenate([masks & ~hit, hit[None]])
            weights = np.where(hit, 1, weights).astype(np.float32)
        return canvas, masks, weights

    def _white_object(self, rng: Rng) -> Floats:
        """A photographed thing on white paper as a layer (h, w, 4)."""
        chosen = self.objects[rng.integers(len(self.objects))]
        image = chosen.image()
        image.putalpha(Image.fromarray(chosen.decode(chosen.instances).max(0) * 255))
        image = image.crop(find_opaque_box(image))
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        scale = self.side * np.exp(rng.uniform(np.log(0.12), np.log(0.6))) / max(image.size)
        size = (max(4, round(image.width * scale)), max(4, round(image.height * scale)))
        layer = np.asarray(image.resize(size, Image.Resampling.BILINEAR), np.float32)
        return np.dstack([jitter_colour(rng, layer[..., :3], 0.7), layer[..., 3]]).astype(np.float32)


def _start(rng: Rng, length: int, extent: float, aim: float | None) -> float:
    """The start of an interval ``extent`` long on an axis of ``length`` pixels, which contains ``aim``."""
    low, high = min(0.0, length - extent), max(0.0, length - extent)
    if aim is not None:
        low, high = max(low, aim - 0.9 * extent), min(high, aim - 0.1 * extent)
    return float(rng.uniform(min(low, high), max(low, high)))


def _cut(
    image: Image.Image,
    box: tuple[float, float, float, float],
    side: int,
    flip: bool,
    fill: int | tuple[int, ...],
) -> Image.Image:
    """Crop ``box``, which may leave the image, and resize to a square of ``side`` pixels."""
    left, top, right, bottom = box
    inner = (max(0.0, left), max(0.0, top), min(float(image.width), right), min(float(image.height), bottom))
    horizontal, vertical = side / (right - left), side / (bottom - top)
    first = (round((inner[0] - left) * horizontal), round((inner[1] - top) * vertical))
    last = (round((inner[2] - left) * horizontal), round((inner[3] - top) * vertical))
    size = (max(1, last[0] - first[0]), max(1, last[1] - first[1]))
    part = image.resize(size, Image.Resampling.BILINEAR, box=inner)
    whole = part
    if size != (side, side):
        whole = Image.new(image.mode, (side, side), fill)
        whole.paste(part, first)
    return whole.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else whole
