"""Polygons of masks along the edges of their pixels: filling one gives exactly the mask again.

A hole is joined to the outline around it by a line that is followed there and back. A fill by the even-odd or
the nonzero rule leaves the hole out, because the hole runs the other way round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

Corner = tuple[int, int]
Polygon = NDArray[np.int64]
"""(n, 2) corners x, y in pixels; x and y of the left upper corner of the first pixel are 0. Closed."""


def mask_polygons(mask: NDArray[np.bool_]) -> list[Polygon]:
    """One polygon for each part of a mask (H, W), in order of their first pixels; holes are joined in.

    Pixels that touch at a corner only are different parts.
    """
    parts, count = label(mask)
    outlines: list[list[Polygon]] = [[] for _ in range(count)]
    for loop, (x, y) in _trace_loops(mask):
        outlines[parts[y, x] - 1].append(loop)
    # The outline is the only loop of a part that runs clockwise.
    return [join_loops(sorted(loops, key=_signed_area, reverse=True)) for loops in outlines]


def mask_polygon(mask: NDArray[np.bool_]) -> Polygon:
    """One polygon for a mask (H, W) with a pixel: its parts are joined as holes are."""
    return join_loops(mask_polygons(mask))


def join_loops(loops: list[Polygon]) -> Polygon:
    """Join polygons into one by lines between near corners, each followed there and back."""
    joined = loops[0]
    for loop in loops[1:]:
        distance = np.abs(joined[:, None] - loop[None]).sum(axis=-1)
        at, first = np.unravel_index(int(distance.argmin()), distance.shape)
        around = np.roll(loop, -int(first), axis=0)
        joined = np.concatenate([joined[: at + 1], around, around[:1], joined[at:]])
    return joined


def _trace_loops(mask: NDArray[np.bool_]) -> list[tuple[Polygon, Corner]]:
    """Closed loops along the edges of the pixels, the mask on their right, each with a pixel on its right."""
    edges = _edges(mask)
    left = dict.fromkeys((corner, step) for corner, steps in edges.items() for step in steps)
    loops = []
    while left:
        edge = next(iter(left))
        pixel = _right_pixel(*edge)
        passed = []
        while edge in left:
            del left[edge]
            passed.append(edge)
            (x, y), step = edge
            corner = (x + step[0], y + step[1])
            edge = (corner, _turn(step, edges[corner]))
        corners = [
            at
            for (at, step), (_, before) in zip(passed, [passed[-1], *passed], strict=False)
            if step != before
        ]
        loops.append((np.array(corners, np.int64), pixel))
    return loops


def _edges(mask: NDArray[np.bool_]) -> dict[Corner, list[Corner]]:
    """Steps (dx, dy) along an edge of the mask from each corner; two where pixels touch at the corner."""
    padded = np.pad(mask, 1)
    follow: dict[Corner, list[Corner]] = {}
    inside, above, left = padded[1:, 1:], padded[:-1, 1:], padded[1:, :-1]
    for edge, shift, step in (
        (inside & ~above, (0, 0), (1, 0)),
        (~inside & above, (1, 0), (-1, 0)),
        (inside & ~left, (0, 1), (0, -1)),
        (~inside & left, (0, 0), (0, 1)),
    ):
        for y, x in np.argwhere(edge).tolist():
            follow.setdefault((x + shift[0], y + shift[1]), []).append(step)
    return follow


def _turn(step: Corner, options: list[Corner]) -> Corner:
    """The step after ``step``; where pixels touch at a corner, to the right, around the same pixel."""
    right = (-step[1], step[0])
    return right if right in options else options[0]


def _right_pixel(corner: Corner, step: Corner) -> Corner:
    """The pixel (x, y) on the right of the edge from a corner."""
    x, y = corner
    return {(1, 0): (x, y), (-1, 0): (x - 1, y - 1), (0, 1): (x - 1, y), (0, -1): (x, y - 1)}[step]


def _signed_area(polygon: Polygon) -> int:
    """Area in pixels, negative for a hole."""
    x, y = polygon[:, 0], polygon[:, 1]
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) // 2
