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

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; without detections, one mask covers the frame."""
        height, width = image.shape[-2:]
        boxes, scores = select_boxes(*self.detector(image), (height, width), self.settings)
        if len(boxes) == 0:
            return whole_frame(height, width)
        masks, _ = self.promptable.masks(self.promptable.encode(image), boxes)
        nonempty_masks = masks.flatten(1).any(1)
        if not nonempty_masks.any():
            return whole_frame(height, width)
        masks = masks if bool(nonempty_masks.all()) else masks[nonempty_masks]
        return Proposals(masks, boxes_of(masks), scores[nonempty_masks].clamp(0, 1))
