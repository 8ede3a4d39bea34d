"""OWLv2's objectness: what is a thing at all, without any words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import box_convert

from seac.core.context import PartContext
from seac.weights.load import fingerprint, load_network


class Owlv2:
    """OWLv2 as a :class:`~seac.segment.promptable.prompted.Detector`; its text half is not asked.

    Args:
        network: transformers' Owlv2ForObjectDetection.
        reader: its image processor.
        device: where it runs.
        name: what the version starts with.
    """

    def __init__(
        self, network: Any, reader: Any, device: torch.device | str = "cpu", name: str = "owlv2"
    ) -> None:
        self.version = f"{name} objectness {fingerprint(network)}"
        self.device = torch.device(device)
        self.reader = reader
        self.network = network.eval().requires_grad_(False).to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> Owlv2:
        """OWLv2 from a folder of transformers'.

        Raises:
            InputError: something else.
        """
        from transformers import Owlv2ForObjectDetection, Owlv2ImageProcessor

        network = load_network(Owlv2ForObjectDetection, folder)
        return cls(network, Owlv2ImageProcessor.from_pretrained(folder), device, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> Owlv2:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """A box and its objectness for every patch: (P, 4) float32 xyxy in pixels and (P,), on the CPU."""
        pixels = self.reader(images=image, return_tensors="pt")["pixel_values"].to(self.device)
        grid, _ = self.network.image_embedder(pixels)
        patches = grid.flatten(1, 2)
        objectness = self.network.objectness_predictor(patches)[0].sigmoid()
        boxes = box_convert(self.network.box_predictor(patches, grid)[0], "cxcywh", "xyxy")
        # The picture was padded to a square at the right and the bottom.
        return (boxes * max(image.shape[-2:])).float().cpu(), objectness.float().cpu()
