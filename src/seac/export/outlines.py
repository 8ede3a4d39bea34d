"""Outlines of masks as few points, compact enough for a page that holds those of a whole video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seac.export.instances import mask_box

SIDE_SHARE = 1 / 200
"""Greatest distance of a simplified outline from the mask, as a share of the longer side of the frame."""
MIN_AREA = 1 / 4000
"""Least area of a part of a mask, as a share of the frame."""
MAX_PARTS = 6


def mask_outlines(mask: NDArray[np.bool_]) -> list[list[int]]:
    """Closed polygons of a mask (H, W), the largest first; holes are polygons too.

    Returns:
        ``[x, y, dx, dy, dx, dy, ...]`` of each polygon: the first point in pixels, then steps to the next.
    """
    from skimage.measure import approximate_polygon, find_contours  # imported late: loading is slow

    if not mask.any():
        return []
    tolerance = max(0.75, max(mask.shape) * SIDE_SHARE)
    left, top, right, bottom = mask_box(mask)
    part = np.pad(mask[top:bottom, left:right], 1)
    # Contours run through centres of pixels of the padded part: a pixel to the right and below.
    contours = [
        contour[:, ::-1] - 0.5 + (left, top) for contour in find_contours(part.astype(np.float64), 0.5)
    ]
    areas = [_area(contour) for contour in contours]
    largest = sorted(range(len(contours)), key=lambda row: -areas[row])[:MAX_PARTS]
    outlines = []
    for row in largest:
        points = np.rint(approximate_polygon(contours[row], tolerance)[:-1]).astype(np.int64)
        if len(points) > 2 and areas[row] >= mask.size * MIN_AREA:
            outlines.append(np.concatenate([points[:1], np.diff(points, axis=0)]).ravel().tolist())
    return outlines


def _area(points: NDArray[np.float64]) -> float:
    """Area of a polygon (P, 2), by the shoelace formula."""
    x, y = points.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
