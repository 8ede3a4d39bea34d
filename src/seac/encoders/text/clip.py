"""CLIP's text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seac.core.context import PartContext
from seac.encoders.cached_text import CachedTextEncoder
from seac.encoders.clip_model import load_clip, width_of
from seac.weights.load import fingerprint


class ClipText:
    """CLIP's text encoder as a :class:`~seac.encoders.base.TextEncoder`.

    Args:
        network: open_clip's CLIP or CustomTextCLIP; its image encoder is removed.
        device: device of the network.
        name: prefix of the version.
        batch: sentences per forward pass.
    """

    def __init__(
        self, network: Any, device: torch.device | str = "cpu", name: str = "clip", batch: int = 256
    ) -> None:
        from open_clip.tokenizer import SimpleTokenizer

        self.space = self.version = f"{name} {fingerprint(network)}"
        self.device = torch.device(device)
        self.tokenizer = SimpleTokenizer(context_length=network.context_length)
        self.dim = width_of(network)
        self.batch = batch
        network.visual = None  # frees the image encoder
        self.network = network.to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> ClipText:
        """Load CLIP from a folder of the hub.

        Raises:
            InputError: open_clip is not installed, or the folder holds another network.
        """
        return cls(load_clip(folder)[0], device, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> CachedTextEncoder:
        """The row of a table: the published weights; what was encoded once is kept on disk.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return CachedTextEncoder(cls.load(context.weights(context.name), context.device))

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """Encode ``sentences`` to (n, dim) float32 of unit length, on the CPU; (0, dim) for none."""
        parts = [torch.zeros(0, self.dim)]
        for at in range(0, len(sentences), self.batch):
            tokens = self.tokenizer(list(sentences[at : at + self.batch]))
            encoded = self.network.encode_text(tokens.to(self.device))
            parts.append(functional.normalize(encoded.float(), dim=1).cpu())
        return torch.cat(parts)
