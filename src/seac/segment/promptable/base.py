"""Box-prompted segmenters: an image is encoded once and decoded for many boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class EncodedImage:
    """Encoded image of a promptable network.

    Attributes:
        features: decoder inputs of one image, on the network's device.
        size: (height, width) of the image.
        content: (height, width) of the image inside the network's square input; the rest is padding.
    """

    features: tuple[Tensor, ...]
    size: tuple[int, int]
    content: tuple[int, int]


class Promptable(Protocol):
    """A network that predicts a mask for a box prompt."""

    def encode(self, image: Tensor) -> EncodedImage:
        """Encode ``image``, (3, H, W) uint8 RGB: the expensive step, once per image."""
        ...

    def masks(self, encoded: EncodedImage, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Return a mask per box, (N, H, W) bool on the CPU, and predicted IoUs (N,) float32.

        Args:
            encoded: result of :meth:`encode`.
            boxes: (N, 4) float xyxy in pixels of the image.
        """
        ...


def best_masks(logits: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
    """Of several masks for a box, the one that the network thinks best.

    Args:
        logits: (N, K, h, w).
        quality: (N, K) predicted IoU.

    Returns:
        (N, h, w) and (N,).
    """
    best = quality.argmax(1)
    rows = torch.arange(len(logits), device=logits.device)
    return logits[rows, best], quality[rows, best]


def masks_at_size(
    logits: Tensor,
    size: tuple[int, int],
    side: int | None = None,
    content: tuple[int, int] | None = None,
    chunk: int = 4,
) -> Tensor:
    """Convert low-resolution logits to masks of the image's size, in chunks to bound memory.

    Two bilinear steps, as in the published post-processing: to the network's square input, which is cropped
    to the image, then to the size of the image.

    Args:
        logits: (N, h, w) float.
        size: (height, width) of the image.
        side: side of the network's input; None skips the first step.
        content: (height, width) of the image inside the input; None for all of it.
        chunk: masks per step; memory is bounded by ``chunk`` float masks.

    Returns:
        (N, height, width) bool on the CPU.
    """
    masks = torch.empty(len(logits), *size, dtype=torch.bool)
    for at in range(0, len(logits), chunk):
        part = logits[at : at + chunk, None].float()
        if side is not None:
            part = functional.interpolate(part, (side, side), mode="bilinear", align_corners=False)
            height, width = content or (side, side)
            part = part[..., :height, :width]
        if part.shape[-2:] != size:
            part = functional.interpolate(part, size, mode="bilinear", align_corners=False)
        masks[at : at + chunk] = part[:, 0] > 0
    return masks
