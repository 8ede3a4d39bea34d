"""SigLIP 2's text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seac.core.context import PartContext
from seac.encoders.cached_text import CachedTextEncoder
from seac.weights.load import fingerprint, load_network, load_tokenizer


class SiglipText:
    """SigLIP 2's text encoder as a :class:`~seac.encoders.base.TextEncoder`.

    Sentences are lower-cased and padded to a fixed length, as in training; the last token is the embedding.

    Args:
        network: transformers' SiglipModel.
        tokenizer: transformers' tokenizer of the same folder.
        device: device of the network.
        name: prefix of the version.
        batch: sentences per forward pass.
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        device: torch.device | str = "cpu",
        name: str = "siglip2",
        batch: int = 128,
    ) -> None:
        self.space = self.version = f"{name} {fingerprint(network)}"
        self.device = torch.device(device)
        self.tokenizer = tokenizer
        self.length = int(network.config.text_config.max_position_embeddings)
        self.dim = int(network.config.text_config.projection_size or network.config.text_config.hidden_size)
        self.batch = batch
        self.network = network.text_model.eval().requires_grad_(False).to(self.device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> SiglipText:
        """Load SigLIP 2 from a transformers folder.

        Raises:
            InputError: the folder holds another network.
        """
        from transformers import SiglipModel

        return cls(load_network(SiglipModel, folder), load_tokenizer(folder), device, folder.name)

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
            tokens = self.tokenizer(
                [sentence.lower() for sentence in sentences[at : at + self.batch]],
                padding="max_length",
                truncation=True,
                max_length=self.length,
                return_tensors="pt",
            )
            encoded = self.network(tokens["input_ids"].to(self.device)).pooler_output
            parts.append(functional.normalize(encoded.float(), dim=1).cpu())
        return torch.cat(parts)
