"""MM-Grounding-DINO with the prompt "all objects"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.segment.ops import box_corners
from seac.weights.load import fingerprint, load_image_processor, load_network, load_tokenizer

QUERY = "all objects"


class GroundingDino:
    """MM-Grounding-DINO as a :class:`~seac.segment.promptable.prompted.Detector`.

    Args:
        network: transformers' MMGroundingDinoForObjectDetection.
        image_processor: image processor of the network.
        tokenizer: tokenizer of the network.
        device: device of the network.
        query: text prompt.
        name: prefix of the version.
    """

    def __init__(
        self,
        network: Any,
        image_processor: Any,
        tokenizer: Any,
        device: torch.device | str = "cpu",
        query: str = QUERY,
        name: str = "mm-grounding-dino",
    ) -> None:
        self.version = f"{name} {query!r} {fingerprint(network)}"
        self.device = torch.device(device)
        self.image_processor = image_processor
        self.network = network.eval().requires_grad_(False).to(self.device)
        # As in training, phrases end in a full stop.
        self.tokens = tokenizer([query.rstrip(".") + "."], return_tensors="pt").to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu", query: str = QUERY) -> GroundingDino:
        """Load MM-Grounding-DINO from a transformers folder.

        Raises:
            InputError: torchvision is not installed, or the folder holds something else.
        """
        from transformers import MMGroundingDinoForObjectDetection

        network = load_network(MMGroundingDinoForObjectDetection, folder)
        reader = load_image_processor("GroundingDinoImageProcessor", folder)
        return cls(network, reader, load_tokenizer(folder), device, query, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> GroundingDino:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes (Q, 4) float32 xyxy in pixels and their maximum token scores (Q,), on the CPU."""
        height, width = image.shape[-2:]
        inputs = self.image_processor(images=image, return_tensors="pt").to(self.device)
        answer = self.network(**inputs, **self.tokens)
        scores = answer.logits[0].sigmoid().amax(1)
        boxes = box_corners(answer.pred_boxes[0]).cpu()
        return boxes.float() * torch.tensor([width, height] * 2), scores.float().cpu()
