"""Boxes of the localisation benchmarks: validation, and rasterisation as in their evaluators."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seac.core.errors import InputError

Box = tuple[float, float, float, float]
"""(x1, y1, x2, y2)."""
ABSURD = 1e6
"""Published annotations hold values near -3e16, which are clipped; boxes with such values are not refused."""


def parse_box(given: Any, where: str) -> Box:
    """Convert a list of four finite numbers to a box.

    Args:
        given: the value in the annotation file.
        where: file and entry, for error messages.

    Raises:
        InputError: not a list of four finite numbers, or the second corner lies before the first.
    """
    if not isinstance(given, list | tuple) or len(given) != 4:
        raise InputError(f"{where}: box {_shorten(given)} is not [x1, y1, x2, y2]; give four numbers")
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in given):
        raise InputError(f"{where}: box {_shorten(given)} does not hold numbers; give four numbers")
    try:
        x1, y1, x2, y2 = (float(value) for value in given)
    except OverflowError:
        raise InputError(
            f"{where}: box {_shorten(given)} holds a number too large for a float; give finite numbers"
        ) from None
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise InputError(f"{where}: box {_shorten(given)} holds NaN or infinity; give finite numbers")
    if (x2 < x1 or y2 < y1) and max(map(abs, (x1, y1, x2, y2))) < ABSURD:
        raise InputError(
            f"{where}: box {_shorten(given)} has its second corner before the first; give [x1, y1, x2, y2] "
            "with x1 <= x2 and y1 <= y2"
        )
    return x1, y1, x2, y2


def count_boxes(boxes: Iterable[Box], size: tuple[int, int], scale: float = 1.0) -> NDArray[np.int64]:
    """Count the boxes that cover each pixel: (H, W) int64.

    A corner is int(clip(b / scale, 0, 1) * side), the second corner exclusive, as the benchmarks round. A box
    without area covers no pixel.

    Args:
        boxes: corners in [0, ``scale``]; values outside are clipped first.
        size: (height, width) of the grid.
        scale: 1 for relative coordinates, 256 for boxes annotated on 256 pixels.
    """
    height, width = size
    count = np.zeros(size, np.int64)
    sides = np.array((width, height, width, height))
    for box in boxes:
        # Clipped before scaling: some annotations hold values near -3e16.
        shares = np.clip(np.array(box, np.float64), 0, scale)
        x1, y1, x2, y2 = (shares * sides / scale).astype(np.int64)
        count[y1:y2, x1:x2] += 1
    return count


def _shorten(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else text[:57] + "..."
