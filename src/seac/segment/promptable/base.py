"""Segmenters that are prompted with boxes: the picture is encoded once and asked many times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class EncodedImage:
    """A picture as a promptable network remembers it.

    Attributes:
        features: what its decoder needs, for one picture, on the network's device.
        size: (height, width) of the picture.
        content: (height, width) of the picture inside the network's square input; what is beyond is padding.
    """

    features: tuple[Tensor, ...]
    size: tuple[int, int]
    content: tuple[int, int]


class Promptable(Protocol):
    """A network that answers a box with a mask."""

    def encode(self, image: Tensor) -> EncodedImage:
        """Encode ``image``, (3, H, W) uint8 RGB: the costly half, once per picture."""
        ...

    def masks(self, encoded: EncodedImage, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """A mask for every box: (N, H, W) bool on the CPU, and its predicted IoU (N,) float32.

        Args:
            encoded: answer of :meth:`encode`.
            boxes: (N, 4) float xyxy in pixels of the picture.
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
    """Low-resolution logits as masks of the picture's size, a few at a time straight into booleans.

    Two bilinear steps as the published post-processing has them: to the network's square input, of which the
    picture's part is kept, then to the picture.

    Args:
        logits: (N, h, w) float.
        size: (height, width) of the picture.
        side: side of the network's input; None where the first step does not exist.
        content: part of the input that is picture; all of it if None.
        chunk: masks per step; memory is ``chunk`` float masks.

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
