"""Settings of the local and global views of masks (Eq. 1-2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ViewSettings:
    """Settings of the local and global views of masks.

    Attributes:
        fill: colour of the local view outside the mask: black (0 before normalisation) or the mean colour of
            the encoder (0 after normalisation).
        square: how a crop becomes square: padded with ``fill``, which keeps the aspect ratio, or stretched.
        blur_sigma: standard deviation of the Gaussian blur of the global view, in pixels of a frame whose
            long side is ``blur_side``; it scales with the frame.
        blur_side: long side in pixels to which ``blur_sigma`` refers.
        batch: views per forward pass; limits memory.
        fast_size: side in pixels of the local crops of the fast path.
        fast_crops: number of masks, best first, with a local view in the fast path; the other masks have the
            global view only. 0 for all.
        crop_size: side in pixels of the high-resolution crops of sounding masks in the fast path, for
            classification; 0 classifies from the existing embeddings.
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
