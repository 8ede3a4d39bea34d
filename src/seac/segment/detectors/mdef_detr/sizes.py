"""How wide the network is. The number of layers never changes, so neither do the names in a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from transformers import RobertaConfig


@dataclass(frozen=True)
class Sizes:
    """Widths; the released ones by default, smaller ones for quick tests.

    Attributes:
        stem: channels after the first convolution of the backbone.
        channels: C, of everything after the backbone; a multiple of 32.
        hidden: width of the feed-forward layers.
        queries: number of boxes.
        classes: outputs of the class head, "no object" last.
    """

    stem: int = 64
    channels: int = 256
    hidden: int = 1024
    queries: int = 300
    classes: int = 256


def base_text() -> RobertaConfig:
    """The released network's text encoder: RoBERTa of the base size."""
    return text_of(50265, 768, 3072, 514)


def text_of(vocabulary: int, width: int, hidden: int, positions: int) -> RobertaConfig:
    """RoBERTa with 12 layers of these widths, heads of 64 channels as in the base size."""
    return RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=hidden,
        max_position_embeddings=positions,
        num_attention_heads=max(1, width // 64),
        num_hidden_layers=12,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=1,
    )


def sizes_in(state: Mapping[str, Tensor]) -> Sizes:
    """Widths of the network that a state dict belongs to.

    Raises:
        KeyError: an entry that tells a width is missing.
        IndexError: it has too few dimensions.
    """
    return Sizes(
        stem=state["backbone.0.body.conv1.weight"].shape[0],
        channels=state["transformer.level_embed"].shape[1],
        hidden=state["transformer.encoder.layers.0.linear1.weight"].shape[0],
        queries=state["query_embed.weight"].shape[0],
        classes=state["class_embed.0.weight"].shape[0],
    )


def text_in(state: Mapping[str, Tensor]) -> RobertaConfig:
    """Text encoder that a state dict belongs to; raises as :func:`sizes_in` does."""
    prefix = "transformer.text_encoder."
    vocabulary, width = state[prefix + "embeddings.word_embeddings.weight"].shape
    hidden = state[prefix + "encoder.layer.0.intermediate.dense.weight"].shape[0]
    return text_of(
        vocabulary, width, hidden, state[prefix + "embeddings.position_embeddings.weight"].shape[0]
    )
