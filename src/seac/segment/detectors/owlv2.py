"""OWLv2's class-agnostic objectness, without a text prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.segment.ops import box_corners
from seac.weights.load import fingerprint, load_image_processor, load_network


class Owlv2:
    """OWLv2 as a :class:`~seac.segment.promptable.prompted.Detector`; its text encoder is not used.

    Args:
        network: transformers' Owlv2ForObjectDetection.
        image_processor: image processor of the network.
        device: device of the network.
        name: prefix of the version.
    """

    def __init__(
        self, network: Any, image_processor: Any, device: torch.device | str = "cpu", name: str = "owlv2"
    ) -> None:
        self.version = f"{name} objectness {fingerprint(network)}"
        self.device = torch.device(device)
        self.image_processor = image_processor
        self.network = network.eval().requires_grad_(False).to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> Owlv2:
        """Load OWLv2 from a transformers folder.

        Raises:
            InputError: torchvision is not installed, or the folder holds something else.
        """
        from transformers import Owlv2ForObjectDetection

        network = load_network(Owlv2ForObjectDetection, folder)
        reader = load_image_processor("Owlv2ImageProcessor", folder)
        return cls(network, reader, device, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> Owlv2:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return a box and an objectness per patch: (P, 4) float32 xyxy in pixels and (P,), on the CPU."""
        pixels = self.image_processor(images=image, return_tensors="pt")["pixel_values"].to(self.device)
        grid, _ = self.network.image_embedder(pixels)
        patches = grid.flatten(1, 2)
        objectness = self.network.objectness_predictor(patches)[0].sigmoid()
        boxes = box_corners(self.network.box_predictor(patches, grid)[0])
        # The picture was padded to a square at the right and the bottom.
        return (boxes * max(image.shape[-2:])).float().cpu(), objectness.float().cpu()
