"""Training frames of things cut from photographs and pasted on other photographs.

Many instruments and tools are outlined only where they lie alone on white paper. Pasted on photographs of
other things, often in front of a person, they are seen small, in clutter and in hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from recipes.common.photographs import FULL, WHITE, read_rows
from recipes.sounding.frames import UNKNOWN, AnnotatedFrame, Instance
from recipes.sounding.photographs import instance_of, open_image
from recipes.sounding.sources import source_of
from seac.encoders.labels.sound_sources import sound_sources

NAME = "pasted/"
"""Beginning of the names of these frames."""
MIN_AREA, MAX_AREA = 0.04, 0.6
"""Share of its photograph that an instance must fill to be cut out: smaller ones are blurred."""
PERSON_AREA = 0.06
"""Share of the frame from which a person may hold a thing."""
HELD = 0.5
"""Share of frames with a person whose first thing is pasted in front of the person."""
SIZES = (0.18, 0.55)
"""Square root of the thing's area over that of the frame, least and greatest."""
COUNTS = (1, 2)
MIN_VISIBLE = 0.6
"""Share of an instance that must stay visible; instances covered more are left out."""
FEATHER = 0.7
"""Standard deviation of the blur of a thing's edge in pixels."""
MAX_SIDE = 500
PEOPLE = {number for number, source in enumerate(sound_sources()) if source.group == "person"}
Rng = np.random.Generator


@dataclass(frozen=True)
class CutOut:
    """An instance that can be cut out.

    Attributes:
        row: line of the index of its photograph.
        instance: number of the instance in the line.
        source: its sound source.
    """

    row: dict[str, Any]
    instance: int
    source: int


@dataclass(frozen=True)
class Pasted:
    """Frames with pasted things; frame ``n`` is a function of the seed and ``n``.

    Attributes:
        folder: photographs.
        grounds: lines of the index of photographs to paste on.
        cutouts: what to paste, by source.
        count: number of frames.
        seed: of all draws.
    """

    folder: Path
    grounds: tuple[dict[str, Any], ...]
    cutouts: tuple[tuple[CutOut, ...], ...]
    count: int
    seed: int

    @classmethod
    def of(cls, folder: Path, count: int, seed: int) -> Pasted:
        """Use the photographs of a folder.

        Raises:
            InputError: there is no index.
        """
        rows = read_rows(folder)
        by_source: dict[int, list[CutOut]] = {}
        for row in rows:
            for number in cuttable(row):
                source = source_of(row["instances"][number]["class"])
                by_source.setdefault(source, []).append(CutOut(row, number, source))
        cutouts = tuple(tuple(by_source[source]) for source in sorted(by_source))
        grounds = tuple(row for row in rows if row.get("vocabulary") in FULL and row["instances"])
        return cls(folder, grounds, cutouts, count, seed)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> AnnotatedFrame:
        rng = np.random.default_rng((self.seed, number))
        ground = self.grounds[rng.integers(len(self.grounds))]
        image = open_image(self.folder / ground["file"])
        image.thumbnail((MAX_SIDE, MAX_SIDE))
        size = (image.height, image.width)
        instances = [instance_of(ground, given, size) for given in ground["instances"]]
        count = int(rng.integers(COUNTS[0], COUNTS[1] + 1))
        for order in range(count):
            cutouts = self.cutouts[(number + order * 7) % len(self.cutouts)]
            cutout = cutouts[rng.integers(len(cutouts))]
            thing = self._cut(cutout, rng, float(np.sqrt(size[0] * size[1])))
            corner = choose_corner(rng, thing, instances if order == 0 else (), size)
            image.paste(thing, corner, thing.getchannel("A"))
            visible = np.zeros(size, bool)
            paste_mask(visible, np.asarray(thing.getchannel("A")) > 127, corner)
            instances = [each for each in (hide(one, visible) for one in instances) if each is not None]
            instances.append(Instance(torch.from_numpy(visible), cutout.source))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        return AnnotatedFrame(f"{NAME}{number}", pixels, tuple(instances), UNKNOWN, complete=True)

    def _cut(self, cutout: CutOut, rng: Rng, side: float) -> Image.Image:
        """The instance as an RGBA image, scaled for a frame whose area is the square of ``side``."""
        photograph = open_image(self.folder / cutout.row["file"])
        given = cutout.row["instances"][cutout.instance]
        mask = instance_of(cutout.row, given, (photograph.height, photograph.width)).mask.numpy()
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        alpha = Image.fromarray(mask.astype(np.uint8) * 255)
        photograph.putalpha(alpha.filter(ImageFilter.GaussianBlur(FEATHER)))
        thing = photograph.crop(box)
        if rng.random() < 0.5:
            thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        scale = float(rng.uniform(*SIZES)) * side / float(np.sqrt(mask.sum()))
        width, height = (max(8, round(length * scale)) for length in thing.size)
        return thing.resize((width, height), Image.Resampling.BICUBIC)


def cuttable(row: dict[str, Any]) -> list[int]:
    """Numbers of the instances of a line of the index that can be cut out."""
    if row.get("quality") not in ("exact", "good", WHITE):
        return []
    frame = row["width"] * row["height"]
    found = []
    for number, given in enumerate(row.get("instances", ())):
        source = source_of(given["class"])
        if source == UNKNOWN or source in PEOPLE or given["crowd"] or not given["rle"]:
            continue
        left, top, right, bottom = given["box"]
        inside = left > 1 and top > 1 and right < row["width"] - 1 and bottom < row["height"] - 1
        white = row.get("quality") == WHITE
        if white or (inside and MIN_AREA < (right - left) * (bottom - top) / frame < MAX_AREA):
            found.append(number)
    return found


def choose_corner(
    rng: Rng, thing: Image.Image, instances: Sequence[Instance], size: tuple[int, int]
) -> tuple[int, int]:
    """Upper left corner (x, y) of a thing: at the chest of a person, or anywhere mostly inside the frame."""
    people = [
        each.mask.numpy()
        for each in instances
        if each.source in PEOPLE and each.mask.float().mean() > PERSON_AREA
    ]
    if people and rng.random() < HELD:
        rows, columns = np.nonzero(people[rng.integers(len(people))])
        centre = np.array([columns.mean(), np.quantile(rows, rng.uniform(0.3, 0.6))])
    else:
        centre = rng.uniform(0.15, 0.85, 2) * np.array(size[::-1])
    corner = centre - np.array(thing.size) / 2
    return int(corner[0]), int(corner[1])


def paste_mask(canvas: NDArray[np.bool_], mask: NDArray[np.bool_], corner: tuple[int, int]) -> None:
    """Write a mask into a canvas (H, W) bool at a corner (x, y), which may be outside."""
    x, y = corner
    height, width = canvas.shape
    top, left = max(0, y), max(0, x)
    bottom, right = min(height, y + mask.shape[0]), min(width, x + mask.shape[1])
    if bottom > top and right > left:
        canvas[top:bottom, left:right] = mask[top - y : bottom - y, left - x : right - x]


def hide(instance: Instance, cover: NDArray[np.bool_]) -> Instance | None:
    """The part of an instance that is not covered; None if too little is."""
    visible = instance.mask & ~torch.from_numpy(cover)
    if float(visible.sum()) < MIN_VISIBLE * float(instance.mask.sum()):
        return None
    return Instance(visible, instance.source, instance.crowd)
