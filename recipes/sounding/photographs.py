"""Training frames from photographs with instance masks, boxes or a label, and from composites of cut-outs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as coco_mask
from torch import Tensor

from recipes.common.media_bank import SILENT
from recipes.common.photographs import FULL, WHITE, read_rows
from recipes.common.scenes import Composer
from recipes.sounding.frames import UNKNOWN, AnnotatedFrame, Instance
from recipes.sounding.sources import recording_sources, source_of


@dataclass(frozen=True)
class Photographs:
    """Photographs of a folder in a random order.

    Attributes:
        folder: JPEG files and ``instances.jsonl``.
        rows: lines of the index, shuffled.
    """

    folder: Path
    rows: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, folder: Path, count: int, seed: int) -> Photographs:
        """Read the index and choose at most ``count`` photographs that have an annotation of a source.

        Raises:
            InputError: there is no index.
        """
        useful = [row for row in read_rows(folder) if sources_in(row)]
        order = np.random.default_rng(seed).permutation(len(useful))[:count]
        return cls(folder, tuple(useful[number] for number in order))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> AnnotatedFrame:
        row = self.rows[number]
        image = torch.from_numpy(np.array(open_image(self.folder / row["file"]))).permute(2, 0, 1)
        size = image.shape[-2:]
        return AnnotatedFrame(
            row["id"],
            image,
            tuple(instance_of(row, given, size) for given in row.get("instances", ())),
            source_of(row.get("label")),
            row.get("vocabulary") in FULL and row.get("quality") != WHITE,
        )


def open_image(path: Path) -> Image.Image:
    """Read a photograph as RGB."""
    with Image.open(path) as opened:
        return opened.convert("RGB")


def sources_in(row: dict[str, Any]) -> set[int]:
    """Return the sources of a line of the index: of its instances and its label."""
    names = [instance["class"] for instance in row.get("instances", ())] + [row.get("label")]
    return {source_of(name) for name in names} - {UNKNOWN}


def instance_of(row: dict[str, Any], given: dict[str, Any], size: tuple[int, ...]) -> Instance:
    """Return an instance of a line of the index, at the size (height, width) of the picture."""
    if given["rle"]:
        code = {"size": [row["height"], row["width"]], "counts": given["rle"].encode()}
        mask = torch.from_numpy(coco_mask.decode(code).astype(bool))
        if mask.shape != size:
            larger = torch.nn.functional.interpolate(mask[None, None].float(), tuple(size))
            mask = larger[0, 0] > 0.5
    else:
        left, top, right, bottom = (round(value) for value in given["box"])
        mask = torch.zeros(tuple(size), dtype=torch.bool)
        mask[top:bottom, left:right] = True
    return Instance(mask, source_of(given["class"]), bool(given["crowd"]))


@dataclass(frozen=True)
class Composites:
    """Composites of cut-outs; number ``n`` is a function of the seed and ``n``.

    Attributes:
        composer: renders them.
        count: their number.
        seed: of all draws.
    """

    composer: Composer
    count: int
    seed: int

    @classmethod
    def of(cls, media: Path, count: int, seed: int) -> Composites:
        """Use the cut-outs and backgrounds of a folder of media."""
        sounding = tuple(recording_sources())
        return cls(Composer(media / "images", media / "backgrounds", sounding), count, seed)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> AnnotatedFrame:
        names = self.composer.names
        rng = np.random.default_rng((self.seed, number))
        scene = self.composer(rng, names[number % len(names)])
        instances = [
            Instance(mask, UNKNOWN if name == SILENT else source_of(name))
            for mask, name in zip(exact_masks(scene.masks()), scene.class_names, strict=True)
        ]
        image = torch.from_numpy(scene.image.copy()).permute(2, 0, 1)
        return AnnotatedFrame(f"composite/{number}", image, tuple(instances), UNKNOWN, complete=True)


def exact_masks(masks: Any) -> Iterator[Tensor]:
    """Yield each of the masks (N, H, W) bool of a composite."""
    yield from torch.from_numpy(np.ascontiguousarray(masks))
