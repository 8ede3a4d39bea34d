"""Masks in COCO's compressed run-length code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from seac.core.run_length import checked_codes


def encode_rle(masks: NDArray[np.bool_]) -> tuple[bytes, ...]:
    """The codes of masks (N, H, W) bool."""
    if len(masks) == 0:
        return ()
    columns = np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8))
    return tuple(code["counts"] for code in coco.encode(columns))


def decode_rle(codes: Sequence[bytes], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The masks (N, H, W) bool of codes; ``size`` is (height, width).

    Raises:
        ValueError: a code is no mask of this size.
    """
    if not codes:
        return np.zeros((0, *size), np.bool_)
    decoded = coco.decode(checked_codes(codes, size))
    return np.ascontiguousarray(decoded.transpose(2, 0, 1) > 0)


def overlap_shares(codes: Sequence[bytes], size: tuple[int, int]) -> NDArray[np.float64]:
    """Share of the pixels of each mask that lie inside each other mask: (N, N); 0 for a mask without pixels.

    Args:
        codes: N masks.
        size: (height, width) of the masks.
    """
    if not codes:
        return np.zeros((0, 0))
    masks = checked_codes(codes, size)
    # With a crowd as the second mask, the score of pycocotools is the joint area by that of the first.
    shares = np.asarray(coco.iou(masks, masks, np.ones(len(masks), np.uint8)), np.float64)
    return np.where(np.asarray(coco.area(masks))[:, None] > 0, shares, 0.0)
