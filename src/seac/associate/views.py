"""How masks are turned into pictures (Eq. 1-2): constants that a preset may set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ViewSettings:
    """How masks are turned into pictures.

    Attributes:
        fill: what the local view shows outside the mask: black (0 before normalisation) or the encoder's
            mean colour (0 after it).
        square: how a crop becomes square: padded with ``fill`` (keeps its shape) or stretched.
        blur_sigma: Gaussian blur of the global view's surroundings, in pixels of a frame whose long side is
            ``blur_side``; it scales with the frame.
        blur_side: the long side that ``blur_sigma`` refers to.
        batch: views per forward pass; bounds memory.
        fast_size: side in pixels of the quick path's local crops.
        fast_crops: of how many masks, the best ones, the quick path makes a local view; the others are seen
            in their place only. 0 for all.
        crop_size: side in pixels of a closer look, on the quick path, at masks that sound, for their names;
            0 names them from what was seen before.
    """

    fill: Literal["zero", "mean"] = "zero"
    square: Literal["pad", "stretch"] = "pad"
    blur_sigma: float = 15.0
    blur_side: int = 1024
    batch: int = 4
    fast_size: int = 128
    fast_crops: int = 0
    crop_size: int = 0


DEFAULT = ViewSettings()
