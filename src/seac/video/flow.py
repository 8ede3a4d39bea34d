"""Dense optical flow between consecutive frames, composed over many frames, and warping by it.

A motion (h, w, 2) float32 says for each pixel (x, y) of a frame how far it is from there in another frame,
in pixels of the resolution of the flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Gray: TypeAlias = NDArray[np.uint8]
Motion: TypeAlias = NDArray[np.float32]
Map: TypeAlias = NDArray[np.float32]

ABSENT: Any = None
"""An argument that OpenCV may be called without, though its types say otherwise."""
MAX_SCALE = 2.0
"""Small frames are enlarged by so much: patches of 8 pixels miss small objects."""
MIN_SIDE = 64
"""Minimum side of the images of the flow in pixels; the method needs several patches of 8 pixels."""


CHANNELS = 4
"""Maximum number of channels that are warped at once."""
SMOOTHING = 1 / 200
"""Half the side of the window of smoothing, as a share of the long side."""
STRIDE = 3
"""One pixel in so many rows and columns counts for the residual of two frames."""
WINDOW = 7
"""Side in pixels of the window over which the mismatch of a pixel is averaged."""
NOISE = np.float32(3)
"""Mismatch in grey values that says nothing."""


@dataclass(frozen=True)
class FlowSettings:
    """Cost and quality of the flow; docs/video.md has the table from which the defaults are chosen.

    Attributes:
        preset: of DIS flow (Kroeger et al., ECCV 2016): "ultrafast", "fast" or "medium".
        side: long side of the images in pixels.
        finest: the flow is computed at 1 / 2^finest of the resolution and then enlarged.
    """

    preset: str = "ultrafast"
    side: int = 384
    finest: int = 1


DEFAULT_FLOW = FlowSettings()
PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


class DenseFlow:
    """Flow at one resolution.

    Args:
        size: (height, width) of the frames.
        settings: cost and quality.
    """

    def __init__(self, size: tuple[int, int], settings: FlowSettings = DEFAULT_FLOW) -> None:
        scale = max(min(MAX_SCALE, settings.side / max(size)), MIN_SIDE / min(size))
        self.size = round(size[0] * scale), round(size[1] * scale)
        self._method = cv2.DISOpticalFlow.create(PRESETS[settings.preset])
        self._method.setFinestScale(settings.finest)

    def to_gray(self, image: NDArray[np.uint8]) -> Gray:
        """Luma of a frame (H, W, 3) RGB at the resolution of the flow: (h, w) uint8."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.resize(gray, self.size[::-1], interpolation=cv2.INTER_AREA), np.uint8)

    def flow(self, gray: Gray, other: Gray) -> Motion:
        """Motion from ``gray`` to ``other``: pixel (x, y) of ``gray`` is at (x, y) + flow in ``other``."""
        if np.array_equal(gray, other):
            return np.zeros((*self.size, 2), np.float32)
        return np.asarray(self._method.calc(gray, other, ABSENT), np.float32)


@lru_cache(maxsize=4)
def grid(height: int, width: int) -> Map:
    """The coordinates (x, y) of every pixel: (height, width, 2); not to be written to."""
    rows, columns = np.indices((height, width), np.float32)
    return np.dstack([columns, rows])


def sample(values: NDArray[Any], at: Map, border: int = cv2.BORDER_REPLICATE) -> NDArray[Any]:
    """Values (h, w) or (h, w, c) at coordinates (H, W, 2): (H, W) or (H, W, c), interpolated."""
    return np.asarray(cv2.remap(values, at, ABSENT, cv2.INTER_LINEAR, borderMode=border))


def follow(flow: Motion, onward: Motion) -> Motion:
    """The motion ``flow`` into the next frame and ``onward`` from there.

    What leaves the frame keeps the motion of the nearest pixel, and so stays outside of it.
    """
    at = grid(*flow.shape[:2]) + flow
    rest = sample(onward, at)
    return np.asarray(flow + rest, np.float32)


def invert(flow: Motion) -> Motion:
    """The motion of the other direction, from one step of fixed-point iteration."""
    at = grid(*flow.shape[:2]) - flow
    return -np.asarray(sample(flow, at), np.float32)


def targets(motion: Motion, size: tuple[int, int]) -> Map:
    """Where the pixels of a frame of ``size`` move to: (H, W, 2) float32, in pixels of ``size``."""
    height, width = motion.shape[:2]
    if (height, width) == size:
        return np.asarray(grid(*size) + motion, np.float32)
    scale = np.array([size[1] / width, size[0] / height], np.float32)
    large = cv2.resize(motion * scale, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(grid(*size) + large, np.float32)


def warp(layers: Sequence[NDArray[np.uint8]], at: Map) -> list[NDArray[np.uint8]]:
    """Values of layers (H, W) uint8 at coordinates (H, W, 2), smoothed; 0 outside of the layers.

    Where the motion of neighbouring pixels differs, outlines would be ragged and leave single pixels behind.
    """
    window = 2 * round(max(at.shape[:2]) * SMOOTHING) + 1
    warped: list[NDArray[np.uint8]] = []
    for first in range(0, len(layers), CHANNELS):
        # Layers are channels of one image, so that the coordinates are prepared once for all.
        joint = cv2.merge(layers[first : first + CHANNELS])
        moved = cv2.blur(sample(joint, at, cv2.BORDER_CONSTANT), (window, window))
        warped += [np.asarray(layer, np.uint8) for layer in cv2.split(moved)]
    return warped


def residual(gray: Gray, other: Gray, flow: Motion) -> float:
    """How much of a frame another does not explain, whatever moved: 0 for the same scene, about 1 for a cut.

    The mean absolute difference after the motion, in units of the contrast of the frame. The difference of
    their mean brightness does not count.
    """
    some = slice(None, None, STRIDE), slice(None, None, STRIDE)
    at = grid(*gray.shape)[some] + flow[some]
    moved = sample(other, at)
    gray, other = gray[some], other[some]
    difference = gray.astype(np.float32) - moved
    contrast = max(float(gray.std()), float(other.std()), 8.0)
    return float(np.abs(difference - difference.mean()).mean()) / contrast


def mismatch(gray: Gray, other: Gray, motion: Motion) -> NDArray[np.float32]:
    """How badly each pixel of a frame is explained by another: (h, w) float32, mean difference around it.

    What comes from outside of the other frame is not explained at all.
    """
    at = grid(*gray.shape) + motion
    moved = sample(other, at)
    errors = cv2.blur(cv2.absdiff(moved, gray), (WINDOW, WINDOW)).astype(np.float32)
    x, y = at[..., 0], at[..., 1]
    inside = (x >= -1) & (x <= gray.shape[1]) & (y >= -1) & (y <= gray.shape[0])
    return np.where(inside, errors, np.float32(255))


def preference(share: float, before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weight in [0, 1] of the second of two key frames in each pixel: (h, w) float32.

    Args:
        share: its weight by time, in [0, 1].
        before: mismatch with the first key frame, (h, w).
        after: mismatch with the second.
    """
    # The fourth power: of two neighbours, that which explains a pixel better decides whose it is.
    first = np.float32(1 - share) * np.square(np.square(after + NOISE))
    second = np.float32(share) * np.square(np.square(before + NOISE))
    return np.asarray(second / (first + second), np.float32)


def resize(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Values (h, w) float32 at another size (H, W)."""
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def signed_distance(mask: NDArray[np.bool_], reach: int) -> NDArray[np.uint8]:
    """Distance to the outline in pixels: 128 on it, above inside, below outside, ``reach`` pixels at most.

    Distances of two masks can be averaged: the outline of the mean lies between their outlines.
    """
    inside = mask.astype(np.uint8)
    positive = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - 0.5
    negative = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3) - 0.5
    signed = np.where(mask, positive, -negative) * (127 / reach) + 128
    return np.asarray(np.clip(np.rint(signed), 1, 255), np.uint8)
