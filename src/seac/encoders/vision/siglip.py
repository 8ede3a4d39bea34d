"""SigLIP 2's image encoder; its embeddings are in SigLIP 2's text space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import VisionFeatures
from seac.weights.load import fingerprint, load_network


class SiglipVision:
    """SigLIP 2 (of fixed resolution) as a :class:`~seac.encoders.base.VisionEncoder`.

    Args:
        network: transformers' SiglipModel.
        device: device of the image encoder.
        name: prefix of the version.
    """

    labels: tuple[str, ...] = ()
    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, network: Any, device: torch.device | str = "cpu", name: str = "siglip2") -> None:
        self.space = self.version = f"{name} {fingerprint(network)}"
        self.device = torch.device(device)
        self.size = int(network.config.vision_config.image_size)
        self.dim = int(network.config.vision_config.hidden_size)
        self.network = network.vision_model.eval().requires_grad_(False).to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> SiglipVision:
        """Load SigLIP 2 from a transformers folder.

        Raises:
            InputError: the folder holds another network.
        """
        from transformers import SiglipModel

        return cls(load_network(SiglipModel, folder), device, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> SiglipVision:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> VisionFeatures:
        """Encode ``pixels``, (n, 3, size, size) float32, normalised, in one batch."""
        if len(pixels) == 0:
            return VisionFeatures(torch.zeros(0, self.dim), None)
        return VisionFeatures(self.network(pixels.to(self.device)).pooler_output.float().cpu(), None)
