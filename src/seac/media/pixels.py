"""Pixels of decoded frames as they are shown: upright, in 8-bit RGB, of the requested size."""

from __future__ import annotations

from functools import lru_cache

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from seac.media.hdr import HDR_TRANSFERS, PQ, to_sdr

UNSPECIFIED = 2
"""Code of a colour matrix that a file does not name (ITU-T H.273)."""
BT2020_MATRICES = frozenset({9, 10})
"""Codes of the colour matrices of BT.2020."""
HD_LINES = 720
"""Height from which an unnamed colour matrix is that of BT.709, as players assume."""
BACKGROUND = 128
"""Grey with which transparent pixels are blended."""
MAX_ASPECT = 8.0
"""Pixels of greater ratio of width and height are an error of the file and count as square."""


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
    """(height, width) of the stored pixels of a frame after rotation."""
    return (frame.width, frame.height) if orientation(frame)[0] else (frame.height, frame.width)


def shown_size(frame: av.VideoFrame, aspect: float = 1.0) -> tuple[int, int]:
    """(height, width) of a frame with square pixels, upright; the short sides of pixels are enlarged.

    Args:
        frame: a decoded frame.
        aspect: width of a stored pixel over its height.
    """
    width, height = frame.width, frame.height
    if aspect > 1:
        width = max(1, round(width * aspect))
    else:
        height = max(1, round(height / aspect))
    return (width, height) if orientation(frame)[0] else (height, width)


def pixel_aspect(stream: av.VideoStream) -> float:
    """Width of a stored pixel of a stream over its height; 1 if the file names none or an absurd one."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if 1 / MAX_ASPECT <= ratio <= MAX_ASPECT else 1.0


def fit_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """(height, width) scaled down to a long side of at most ``max_side`` pixels."""
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def to_rgb(
    frame: av.VideoFrame, size: tuple[int, int] | None = None, scaler: VideoReformatter | None = None
) -> NDArray[np.uint8]:
    """Pixels of a frame: (H, W, 3) uint8 RGB, upright.

    Range and matrix of the colours are those that the frame names; without a name the matrix is that of
    BT.709 from :data:`HD_LINES` lines on, else that of BT.601. More bits than 8 are rounded, PQ and HLG are
    brought to SDR, see :mod:`seac.media.hdr`, and transparent pixels are blended with grey.

    Args:
        frame: a decoded frame.
        size: (H, W) of the result; the size of the stored pixels if not given.
        scaler: one for all frames of a video is faster than one for each.
    """
    transpose, mirrored, flipped = orientation(frame)
    height, width = size or upright_size(frame)
    if transpose:
        height, width = width, height
    pixels = _convert(frame, (height, width), scaler or VideoReformatter())
    if transpose:
        pixels = pixels.transpose(1, 0, 2)
    if mirrored:
        pixels = pixels[:, ::-1]
    if flipped:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _convert(frame: av.VideoFrame, size: tuple[int, int], scaler: VideoReformatter) -> NDArray[np.uint8]:
    """Pixels of a frame as stored, of another size: (H, W, 3) uint8 RGB."""
    guess = frame.colorspace == UNSPECIFIED and frame.height >= HD_LINES and not frame.format.is_rgb
    transfer = _transfer(frame)
    kind = "rgb48le" if transfer in HDR_TRANSFERS else "rgba" if _has_alpha(frame.format.name) else "rgb24"
    array = scaler.reformat(
        frame, size[1], size[0], kind, src_colorspace=Colorspace.ITU709 if guess else None, threads=1
    ).to_ndarray()
    if kind == "rgb48le":
        return to_sdr(np.asarray(array, np.uint16), transfer)
    if kind == "rgba":
        return _blend(np.asarray(array, np.uint8))
    return np.asarray(array, np.uint8)


def _transfer(frame: av.VideoFrame) -> int:
    """Code of the transfer of a frame; of BT.2020 in 10 bits without a name it is that of HDR10."""
    transfer = int(frame.color_trc)
    if transfer != UNSPECIFIED or int(frame.colorspace) not in BT2020_MATRICES:
        return transfer
    return PQ if frame.format.components[0].bits > 8 else transfer


def _blend(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (H, W, 4) over grey: (H, W, 3)."""
    alpha = pixels[..., 3:].astype(np.uint16)
    mixed = pixels[..., :3] * alpha + BACKGROUND * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _has_alpha(name: str) -> bool:
    """Whether a pixel format has transparency; a palette may have it."""
    pixel_format = av.VideoFormat(name)
    return pixel_format.has_palette or any(each.is_alpha for each in pixel_format.components)
