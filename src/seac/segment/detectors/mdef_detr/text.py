"""Text encoder: RoBERTa's last hidden states, projected to the width of the image features."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import RobertaConfig, RobertaModel


def text_encoder(config: RobertaConfig) -> nn.Module:
    """Build RoBERTa with its pooler, which is unused but part of the released file."""
    return RobertaModel(config, add_pooling_layer=True)  # type: ignore[no-any-return]


class Resizer(nn.Module):
    """Projects text features to the width of the image features, followed by a layer norm."""

    def __init__(self, text_width: int, channels: int = 256) -> None:
        super().__init__()
        self.fc = nn.Linear(text_width, channels)
        self.layer_norm = nn.LayerNorm(channels, eps=1e-12)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (B, L, text width) to (B, L, C)."""
        return self.layer_norm(self.fc(hidden))  # type: ignore[no-any-return]


def restore_buffers(encoder: nn.Module) -> None:
    """Initialise the buffers that are not in a checkpoint, after a network was built on the meta device."""
    embeddings: Any = encoder.embeddings
    length = int(embeddings.position_embeddings.num_embeddings)
    embeddings.position_ids = torch.arange(length)[None]
    embeddings.token_type_ids = torch.zeros(1, length, dtype=torch.long)
