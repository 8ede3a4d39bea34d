"""Pixels of decoded frames: upright, in 8-bit RGB, of the requested size."""

from __future__ import annotations

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

UNSPECIFIED = 2
"""Code of a colour matrix that a file does not name (ITU-T H.273)."""
HD_LINES = 720
"""Height from which an unnamed colour matrix is that of BT.709, as players assume."""


def orientation(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """How pixels become upright: (transpose, then flip horizontally, then flip vertically).

    The display matrix of a file maps (x, y) to (a x + c y, b x + d y); of other angles than multiples of 90
    degrees the nearest is taken.
    """
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0


def upright_size(frame: av.VideoFrame) -> tuple[int, int]:
    """(height, width) of a frame after rotation."""
    return (frame.width, frame.height) if orientation(frame)[0] else (frame.height, frame.width)


def fit_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """(height, width) scaled down to a long side of at most ``max_side`` pixels."""
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def to_rgb(
    frame: av.VideoFrame, size: tuple[int, int] | None = None, scaler: VideoReformatter | None = None
) -> NDArray[np.uint8]:
    """Pixels of a frame: (H, W, 3) uint8 RGB, upright.

    Range and matrix of the colours are those that the frame names; without a name the matrix is that of
    BT.709 from :data:`HD_LINES` lines on, else that of BT.601. More bits than 8 are rounded.

    Args:
        frame: a decoded frame.
        size: (H, W) of the result; the size of the frame if not given.
        scaler: one for all frames of a video is faster than one for each.
    """
    transpose, mirrored, flipped = orientation(frame)
    height, width = size or upright_size(frame)
    if transpose:
        height, width = width, height
    guess = frame.colorspace == UNSPECIFIED and frame.height >= HD_LINES and not frame.format.is_rgb
    array = (scaler or VideoReformatter()).reformat(
        frame, width, height, "rgb24", src_colorspace=Colorspace.ITU709 if guess else None, threads=1
    )
    pixels = np.asarray(array.to_ndarray(), np.uint8)
    if transpose:
        pixels = pixels.transpose(1, 0, 2)
    if mirrored:
        pixels = pixels[:, ::-1]
    if flipped:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
