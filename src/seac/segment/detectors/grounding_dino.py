"""MM-Grounding-DINO, asked for all objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import box_convert

from seac.core.context import PartContext
from seac.weights.load import fingerprint, load_network, load_tokenizer

QUERY = "all objects"


class GroundingDino:
    """MM-Grounding-DINO as a :class:`~seac.segment.promptable.prompted.Detector`.

    Args:
        network: transformers' MMGroundingDinoForObjectDetection.
        reader: its image processor.
        tokenizer: its tokenizer.
        device: where it runs.
        query: what it is asked for.
        name: what the version starts with.
    """

    def __init__(
        self,
        network: Any,
        reader: Any,
        tokenizer: Any,
        device: torch.device | str = "cpu",
        query: str = QUERY,
        name: str = "mm-grounding-dino",
    ) -> None:
        self.version = f"{name} {query!r} {fingerprint(network)}"
        self.device = torch.device(device)
        self.reader = reader
        self.network = network.eval().requires_grad_(False).to(self.device)
        # Phrases end in a full stop: that is how it was trained.
        self.tokens = tokenizer([query.rstrip(".") + "."], return_tensors="pt").to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu", query: str = QUERY) -> GroundingDino:
        """MM-Grounding-DINO from a folder of transformers'.

        Raises:
            InputError: something else.
        """
        from transformers import GroundingDinoImageProcessor, MMGroundingDinoForObjectDetection

        network = load_network(MMGroundingDinoForObjectDetection, folder)
        reader = GroundingDinoImageProcessor.from_pretrained(folder)
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
        """Boxes (Q, 4) float32 xyxy in pixels and the best match of each with any word (Q,), on the CPU."""
        height, width = image.shape[-2:]
        inputs = self.reader(images=image, return_tensors="pt").to(self.device)
        answer = self.network(**inputs, **self.tokens)
        scores = answer.logits[0].sigmoid().amax(1)
        boxes = box_convert(answer.pred_boxes[0], "cxcywh", "xyxy").cpu()
        return boxes.float() * torch.tensor([width, height] * 2), scores.float().cpu()
