"""CLIP's image encoder; its embeddings are in CLIP's text space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import VisionFeatures
from seac.encoders.clip_model import load_clip, width_of
from seac.encoders.vision.clip_towers import Tower, tower_of
from seac.weights.load import fingerprint

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class ClipVision:
    """CLIP RN50, ViT-B/16, ViT-L/14 or PE-Core as a :class:`~seac.encoders.base.VisionEncoder`.

    The fast path uses images of other sizes than ``size``, and :meth:`features`; both run in half precision.

    Args:
        network: open_clip's CLIP or CustomTextCLIP; its image encoder is modified in place.
        device: device of the network.
        preprocess: ``preprocess_cfg`` of the network; missing values default to OpenAI's mean and std.
        name: prefix of the version.
    """

    labels: tuple[str, ...] = ()

    def __init__(
        self,
        network: Any,
        device: torch.device | str = "cpu",
        preprocess: dict[str, Any] | None = None,
        name: str = "clip",
    ) -> None:
        self.space = self.version = f"{name} {fingerprint(network)}"
        self.device = torch.device(device)
        side = network.visual.image_size
        self.size = int(side[0] if isinstance(side, (tuple, list)) else side)
        self.dim = width_of(network)
        preprocess = preprocess or {}
        self.mean = tuple(preprocess.get("mean", MEAN))
        self.std = tuple(preprocess.get("std", STD))
        self.tower: Tower = tower_of(network.visual).to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> ClipVision:
        """Load CLIP from a folder of the hub.

        Raises:
            InputError: open_clip is not installed, or the folder holds another network.
        """
        network, preprocess = load_clip(folder)
        return cls(network, device, preprocess, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> ClipVision:
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
        with self._half(pixels.shape[-1] != self.size):
            embeddings = self.tower.embed(pixels.to(self.device))
        return VisionFeatures(embeddings.float().cpu(), None)

    @torch.inference_mode()
    def features(self, pixels: Tensor) -> Tensor:
        """Return dense features (n, d_m, h, w), one embedding per location, for the fast path."""
        with self._half(True):
            return self.tower.dense_features(pixels.to(self.device)).float().cpu()

    def class_probabilities(self, embeddings: Tensor) -> Tensor:
        """Return an empty tensor (n, 0): CLIP has no classes."""
        return embeddings.new_zeros(len(embeddings), 0)

    def _half(self, enabled: bool) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)
