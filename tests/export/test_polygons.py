"""Polygons along the edges of pixels give back the mask, whoever fills them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from pycocotools import mask as coco

from seac.export.polygons import mask_polygon, mask_polygons

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12)).filter(lambda mask: mask.any())


def fill_even_odd(polygon: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centre has an odd number of edges of the polygon to its left."""
    inside = np.zeros(size, np.bool_)
    centres_x, centres_y = np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        for row, y in enumerate(centres_y):
            if min(y1, y2) < y < max(y1, y2):
                inside[row] ^= centres_x > x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    return inside


def fill_by_pycocotools(polygons: list[NDArray[np.int64]], size: tuple[int, int]) -> NDArray[np.bool_]:
    codes = coco.frPyObjects([polygon.ravel().tolist() for polygon in polygons], *size)
    return coco.decode(coco.merge(codes)) > 0


@given(MASKS)
def test_one_polygon_gives_back_the_mask(mask: NDArray[np.bool_]) -> None:
    polygon = mask_polygon(mask)
    assert np.array_equal(fill_even_odd(polygon, mask.shape), mask)
    assert np.array_equal(fill_by_pycocotools([polygon], mask.shape), mask)


@given(MASKS)
def test_polygons_of_the_parts_give_back_the_mask(mask: NDArray[np.bool_]) -> None:
    assert np.array_equal(fill_by_pycocotools(mask_polygons(mask), mask.shape), mask)


def test_a_pixel_is_a_square_and_straight_edges_have_no_corners() -> None:
    mask = np.zeros((4, 9), np.bool_)
    mask[2, 5] = True
    assert {tuple(corner) for corner in mask_polygon(mask).tolist()} == {(5, 2), (6, 2), (6, 3), (5, 3)}
    assert len(mask_polygon(np.ones((40, 60), np.bool_))) == 4


@pytest.mark.parametrize("parts", [1, 3])
def test_parts_are_separate_polygons(parts: int) -> None:
    mask = np.zeros((5, 20), np.bool_)
    mask[1:4, [4 * part + 1 for part in range(parts)]] = True
    assert len(mask_polygons(mask)) == parts
