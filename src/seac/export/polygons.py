"""Polygons of masks along the edges of their pixels: filling one gives exactly the mask again.

A hole is joined to the outline around it by a line that is followed there and back. A fill by the even-odd or
the nonzero rule leaves the hole out, because the hole runs the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.spatial import cKDTree

Polygon = NDArray[np.int64]
"""(n, 2) corners x, y in pixels; x and y of the left upper corner of the first pixel are 0. Closed."""

STEPS = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
"""(x, y) steps along an edge: right, down, left, up; the next one is a turn to the right."""
RIGHT_PIXEL = np.array([(0, 0), (-1, 0), (-1, -1), (0, -1)])
"""(x, y) from the start of an edge to the pixel on its right, for each of :data:`STEPS`."""


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
    """One polygon for a mask (H, W) with a pixel: its parts are joined to the largest as holes are."""
    return join_loops(sorted(mask_polygons(mask), key=_signed_area, reverse=True))


def join_loops(loops: list[Polygon]) -> Polygon:
    """Join polygons to the first of them, each by a line between near corners, followed there and back."""
    if len(loops) == 1:
        return loops[0]
    base = loops[0]
    tree = cKDTree(base)
    inserted: dict[int, list[Polygon]] = {}
    for loop in loops[1:]:
        distances, nearest = tree.query(loop)
        first = int(distances.argmin())
        at = int(nearest[first])
        around = np.roll(loop, -first, axis=0)
        inserted.setdefault(at, []).append(np.concatenate([around, around[:1], base[at : at + 1]]))
    pieces, done = [], 0
    for at, joined in sorted(inserted.items()):
        pieces += [base[done : at + 1], *joined]
        done = at + 1
    return np.concatenate([*pieces, base[done:]])


def _trace_loops(mask: NDArray[np.bool_]) -> Iterator[tuple[Polygon, tuple[int, int]]]:
    """Closed loops along the edges of the pixels, the mask on their right, each with a pixel on its right."""
    starts, turns = _edges(mask)
    following = _following(starts, turns, mask.shape[1] + 1)
    is_corner = np.empty(len(turns), np.bool_)
    is_corner[following] = turns[following] != turns
    pixels = starts + RIGHT_PIXEL[turns]
    after, corner = following.tolist(), is_corner.tolist()
    left = np.ones(len(turns), np.bool_)
    for first in range(len(turns)):
        if not left[first]:
            continue
        edge, passed = first, []
        while True:
            passed.append(edge)
            edge = after[edge]
            if edge == first:
                break
        left[passed] = False
        x, y = pixels[first].tolist()
        yield starts[[at for at in passed if corner[at]]], (x, y)


def _edges(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The edges of the pixels of a mask: starts (E, 2) x, y, and numbers (E,) of their :data:`STEPS`."""
    padded = np.pad(mask, 1)
    inside, above, before = padded[1:, 1:], padded[:-1, 1:], padded[1:, :-1]
    starts, turns = [], []
    for edge, shift, turn in (
        (inside & ~above, (0, 0), 0),
        (~inside & before, (0, 0), 1),
        (~inside & above, (1, 0), 2),
        (inside & ~before, (0, 1), 3),
    ):
        starts.append(np.argwhere(edge)[:, ::-1] + shift)
        turns.append(np.full(len(starts[-1]), turn))
    return np.concatenate(starts), np.concatenate(turns)


def _following(starts: NDArray[np.int64], turns: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """The edge (E,) that follows each edge: where pixels touch at a corner, the one around the same pixel."""
    corners = starts[:, 1] * width + starts[:, 0]
    edge_at = np.full((4, int(corners.max(initial=0)) + width + 2), -1)
    edge_at[turns, corners] = np.arange(len(turns))
    ends = corners + STEPS[turns, 1] * width + STEPS[turns, 0]
    following: NDArray[np.int64] = edge_at[
        (turns + 3) % 4, ends
    ]  # to the left, unless there is one straight on or to the right
    for turn in (turns, (turns + 1) % 4):
        found = edge_at[turn, ends]
        following = np.where(found >= 0, found, following)
    return following


def _signed_area(polygon: Polygon) -> int:
    """Area in pixels, negative for a hole."""
    x, y = polygon[:, 0], polygon[:, 1]
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) // 2
