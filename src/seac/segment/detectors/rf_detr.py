"""RF-DETR-Seg (COCO): boxes of instances of its classes; its masks are not decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.segment.ops import box_corners
from seac.weights.load import fingerprint, library_class, load_image_processor, load_network


class RfDetr:
    """RF-DETR-Seg as a :class:`~seac.segment.promptable.prompted.Detector`.

    The score of a box is the highest of its class probabilities. The boxes prompt a segmenter with finer
    masks, so the mask head is skipped.

    Args:
        network: transformers' RfDetrForInstanceSegmentation.
        image_processor: image processor of the network.
        device: device of the network.
        name: prefix of the version.
    """

    def __init__(
        self, network: Any, image_processor: Any, device: torch.device | str = "cpu", name: str = "rf-detr"
    ) -> None:
        self.version = f"{name} {fingerprint(network)}"
        self.device = torch.device(device)
        self.image_processor = image_processor
        self.network = network.model.eval().requires_grad_(False).to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> RfDetr:
        """Load RF-DETR-Seg from a transformers folder.

        Raises:
            InputError: torchvision or a recent transformers is not installed, or the folder holds something
                else.
        """
        network = load_network(library_class("RfDetrForInstanceSegmentation"), folder)
        return cls(network, load_image_processor("RfDetrImageProcessor", folder), device, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> RfDetr:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes (Q, 4) float32 xyxy in pixels and their scores (Q,), on the CPU."""
        height, width = image.shape[-2:]
        inputs = self.image_processor(images=image, return_tensors="pt").to(self.device)
        answer = self.network(pixel_values=inputs["pixel_values"], pixel_mask=inputs.get("pixel_mask"))
        scores = answer.logits[0].sigmoid().amax(1)
        boxes = box_corners(answer.pred_boxes[0]).cpu()
        return boxes.float() * torch.tensor([width, height] * 2), scores.float().cpu()
