"""Metrics of regions grouped by features; the grouping with the most explained variance is first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.gallery.regions import FOUND, Region, how_missed, mean_iou


@dataclass(frozen=True)
class Axis:
    """A grouping of regions: ``of`` returns the index in ``groups``."""

    name: str
    groups: tuple[str, ...]
    of: Callable[[Region], int]


def _above(value: float, *edges: float) -> int:
    return sum(value >= edge for edge in edges)


AXES = (
    Axis(
        "share of the image",
        ("small: below 2 %", "medium: 2 to 10 %", "large: from 10 %"),
        lambda r: _above(r.share, 0.02, 0.1),
    ),
    Axis("image border", ("not touching", "touching"), lambda r: int(r.on_frame)),
    Axis("connected pieces", ("one", "two or three", "more"), lambda r: _above(r.pieces, 2, 4)),
    Axis(
        "colour against surroundings (Lab)",
        ("below 10", "10 to 20", "20 to 35", "from 35"),
        lambda r: _above(r.colour_contrast, 10, 20, 35),
    ),
    Axis(
        "colours within (spread in Lab)",
        ("uniform: below 8", "8 to 16", "16 to 24", "varied: from 24"),
        lambda r: _above(r.spread, 8, 16, 24),
    ),
    Axis(
        "contrast over spread",
        ("below 0.5", "0.5 to 1", "1 to 2", "from 2"),
        lambda r: _above(r.colour_contrast / max(r.spread, 1e-3), 0.5, 1, 2),
    ),
    Axis(
        "shape",
        ("thin: below .3", ".3 to .45", ".45 to .6", "round: from .6"),
        lambda r: _above(r.width, 0.3, 0.45, 0.6),
    ),
    Axis(
        "regions in the image",
        ("at most 6", "7 to 12", "13 to 20", "more"),
        lambda r: _above(r.neighbours, 7, 13, 21),
    ),
)
MISSED = ("found", "swallowed", "in pieces", "beside")


@dataclass(frozen=True)
class Group:
    """One row of a table; ``lost`` is the group's share of all missed regions."""

    name: str
    regions: int
    iou: float
    recall: float
    recall_ten: float
    lost: float


@dataclass(frozen=True)
class Pattern:
    """A grouping with its rows; ``explained`` is the explained share of the variance of the IoU."""

    name: str
    explained: float
    groups: tuple[Group, ...]


def patterns(regions: Sequence[Region]) -> list[Pattern]:
    """All groupings of at least one region, in descending order of explained variance."""
    found = [_pattern(axis, regions) for axis in AXES]
    return sorted(found, key=lambda pattern: -pattern.explained)


def summarise(name: str, regions: Sequence[Region]) -> Group:
    """All regions in one row."""
    return _group(name, regions, max(_lost(regions), 1))


def misses(regions: Sequence[Region]) -> dict[str, float]:
    """Share of regions by type of miss, see :func:`how_missed`."""
    miss_types = [how_missed(region) for region in regions]
    return {name: miss_types.count(name) / max(len(miss_types), 1) for name in MISSED}


def _pattern(axis: Axis, regions: Sequence[Region]) -> Pattern:
    members: list[list[Region]] = [[] for _ in axis.groups]
    for region in regions:
        members[axis.of(region)].append(region)
    mean, lost = mean_iou(regions), max(_lost(regions), 1)
    between = sum(len(group) * (mean_iou(group) - mean) ** 2 for group in members)
    total = sum((region.iou - mean) ** 2 for region in regions)
    rows = zip(axis.groups, members, strict=True)
    groups = tuple(_group(name, group, lost) for name, group in rows if group)
    return Pattern(axis.name, between / total if total > 0 else 0.0, groups)


def _lost(regions: Sequence[Region]) -> int:
    return sum(region.iou < FOUND for region in regions)


def _group(name: str, regions: Sequence[Region], lost: int) -> Group:
    count = max(len(regions), 1)
    return Group(
        name,
        len(regions),
        mean_iou(regions),
        1 - _lost(regions) / count,
        sum(region.iou_ten >= FOUND for region in regions) / count,
        _lost(regions) / lost,
    )
