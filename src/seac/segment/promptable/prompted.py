"""Stage 1 from a detector and a promptable segmenter: boxes, non-maximum suppression, one mask per box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seac.core.types import Proposals
from seac.segment.ops import box_nms, boxes_of, whole_frame
from seac.segment.promptable.base import Promptable


class Detector(Protocol):
    """A class-agnostic detector."""

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes (N, 4) float xyxy in pixels and objectness (N,) of ``image`` (3, H, W) uint8."""
        ...


@dataclass(frozen=True)
class BoxSettings:
    """Selection of the boxes that prompt the segmenter.

    Attributes:
        overlap: maximum IoU of two boxes.
        max_masks: maximum number of boxes per frame.
    """

    overlap: float = 0.5
    max_masks: int = 50


def select_boxes(
    boxes: Tensor, scores: Tensor, size: tuple[int, int], settings: BoxSettings
) -> tuple[Tensor, Tensor]:
    """Return the boxes that survive NMS, best first, clipped to the frame; empty boxes are dropped.

    Args:
        boxes: (N, 4) float xyxy in pixels.
        scores: (N,) objectness.
        size: (height, width) of the frame.
        settings: overlap and number.

    Returns:
        Boxes (K, 4) and scores (K,), float32 on the CPU.
    """
    height, width = size
    limit = torch.tensor([width, height, width, height], dtype=torch.float32)
    boxes, scores = boxes.float().cpu(), scores.float().cpu()
    boxes = torch.minimum(boxes.clamp_min(0), limit)
    valid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    boxes, scores = boxes[valid], scores[valid]
    kept = box_nms(boxes, scores, settings.overlap, settings.max_masks)
    return boxes[kept], scores[kept]


class BoxesToMasks:
    """Stage 1 of the paper: masks of detected boxes; a :class:`~seac.segment.base.Segmenter`."""

    def __init__(
        self, detector: Detector, promptable: Promptable, settings: BoxSettings | None = None
    ) -> None:
        self.detector = detector
        self.promptable = promptable
        self.settings = settings or BoxSettings()

    @property
    def version(self) -> str:
        """Versions of the detector and the promptable segmenter."""
        parts = (self.detector, self.promptable)
        return " + ".join(str(getattr(part, "version", type(part).__name__)) for part in parts)

    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; without detections, one mask covers the frame."""
        return self.best(image, self.settings.max_masks)

    @torch.inference_mode()
    def best(self, image: Tensor, max_masks: int) -> Proposals:
        """Return the best ``max_masks`` proposals for ``image``, (3, H, W) uint8; others are not decoded."""
        height, width = image.shape[-2:]
        boxes, scores = select_boxes(*self.detector(image), (height, width), self.settings)
        if len(boxes) == 0:
            return whole_frame(height, width)
        encoded, decoded = self.promptable.encode(image), 0
        masks, kept = torch.zeros(0, height, width, dtype=torch.bool), scores[:0]
        # Empty masks are replaced by those of the next boxes.
        while len(masks) < max_masks and decoded < len(boxes):
            part = slice(decoded, decoded + max_masks - len(masks))
            found, _ = self.promptable.masks(encoded, boxes[part])
            present = found.flatten(1).any(1)
            masks = torch.cat([masks, found[present]]) if decoded or not present.all() else found
            kept = torch.cat([kept, scores[part][present]])
            decoded += len(found)
        if len(masks) == 0:
            return whole_frame(height, width)
        return Proposals(masks, boxes_of(masks), kept.clamp(0, 1))
