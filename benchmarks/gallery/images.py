"""Segment and draw images one by one; only a few numbers per image are kept in memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.gallery.figures import draw_pair, draw_region
from benchmarks.gallery.regions import FOUND, Region, how_missed, mean_iou, measure_regions
from benchmarks.proposals import ImageArray, Masks, composites, photographs
from recipes.common.composites.media import Media
from seac.evaluation.report.figures import save_image
from seac.segment.base import Segmenter

REGION_SIDE = 200
"""Side in pixels of the image of one region."""
Case = tuple[str, ImageArray, Masks]


@dataclass(frozen=True)
class ShownImage:
    """One image of the gallery; the file is relative to the page."""

    name: str
    file: str
    regions: tuple[Region, ...]
    masks: int

    @property
    def iou(self) -> float:
        """Mean best IoU of the regions."""
        return mean_iou(self.regions)

    @property
    def missed(self) -> int:
        """Number of regions without a matching proposal."""
        return sum(region.iou < FOUND for region in self.regions)


@dataclass(frozen=True)
class ShownRegion:
    """One of the worst regions; the file is relative to the page."""

    image: str
    file: str
    region: Region

    @property
    def missed(self) -> str:
        """Type of miss, see :func:`how_missed`."""
        return how_missed(self.region)


def photo_cases(shared: Path, min_share: float, count: int | None) -> Iterator[Case]:
    """Photographs with their names and human regions."""
    names = [path.stem for path in sorted((shared / "data/photos/images").glob("*.jpg"))[:count]]
    for name, (image, true) in zip(names, photographs(shared, min_share, count), strict=True):
        yield name, image, true


def scene_cases(media: Media, count: int, seed: int) -> Iterator[Case]:
    """Composite scenes with the exact masks of their objects."""
    for number, (image, true) in enumerate(composites(media, count, seed)):
        yield f"composite {number}", image, true


class Worst:
    """The worst regions so far, each drawn to a file; files of replaced regions are deleted."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._kept: list[tuple[float, int, ShownRegion]] = []
        self._count = 0

    def add(self, name: str, image: ImageArray, true: Masks, regions: Iterable[Region], found: Masks) -> None:
        """Add the regions of an image."""
        for mask, region in zip(true, regions, strict=True):
            # The heap is keyed by negative IoU: its top is the kept region with the highest IoU.
            if self._limit == 0 or (len(self._kept) == self._limit and region.iou >= -self._kept[0][0]):
                continue
            best = found[region.rank] if region.rank >= 0 else mask & ~mask
            path = self._folder / f"region-{self._count:04d}.jpg"
            save_image(draw_region(image, mask, best, REGION_SIDE), path)
            shown = ShownRegion(name, f"{self._folder.name}/{path.name}", region)
            heapq.heappush(self._kept, (-region.iou, self._count, shown))
            self._count += 1
            if len(self._kept) > self._limit:
                gone = heapq.heappop(self._kept)[2]
                (self._folder / Path(gone.file).name).unlink()

    def regions(self) -> list[ShownRegion]:
        """The kept regions, worst first."""
        return [shown for _, _, shown in sorted(self._kept, key=lambda row: (-row[0], row[1]))]


def show_images(
    cases: Iterable[Case], segmenter: Segmenter, folder: Path, worst: Worst
) -> Iterator[ShownImage]:
    """Segment, measure and draw every case into ``folder``; images without true regions are left out."""
    for name, image, true in cases:
        if len(true) == 0:
            continue
        proposals = segmenter(torch.from_numpy(image.copy()).permute(2, 0, 1))
        found = proposals.masks.numpy()
        regions = tuple(measure_regions(image, true, found))
        file = f"{name.replace(' ', '-')}.jpg"
        save_image(draw_pair(image, true, regions, found), folder / file)
        worst.add(name, image, true, regions, found)
        yield ShownImage(name, f"{folder.name}/{file}", regions, len(found))
