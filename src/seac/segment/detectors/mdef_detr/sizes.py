"""Widths of the network. The number of layers, and so the names in a checkpoint, are fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from transformers import RobertaConfig


@dataclass(frozen=True)
class Sizes:
    """Widths of the network; the released ones by default, smaller ones for tests.

    Attributes:
        stem: channels after the first convolution of the backbone.
        channels: C, channels of the modules after the backbone; a multiple of 32.
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
    """Return the configuration of the released text encoder: RoBERTa base."""
    return text_of(50265, 768, 3072, 514)


def text_of(vocabulary: int, width: int, hidden: int, positions: int) -> RobertaConfig:
    """Return a RoBERTa configuration with 12 layers of the given widths and heads of 64 channels."""
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
    """Infer the widths of the network from a state dict.

    Raises:
        KeyError: a required entry is missing.
        IndexError: a required entry has too few dimensions.
    """
    return Sizes(
        stem=state["backbone.0.body.conv1.weight"].shape[0],
        channels=state["transformer.level_embed"].shape[1],
        hidden=state["transformer.encoder.layers.0.linear1.weight"].shape[0],
        queries=state["query_embed.weight"].shape[0],
        classes=state["class_embed.0.weight"].shape[0],
    )


def text_in(state: Mapping[str, Tensor]) -> RobertaConfig:
    """Infer the configuration of the text encoder from a state dict; raises as :func:`sizes_in` does."""
    prefix = "transformer.text_encoder."
    vocabulary, width = state[prefix + "embeddings.word_embeddings.weight"].shape
    hidden = state[prefix + "encoder.layer.0.intermediate.dense.weight"].shape[0]
    return text_of(
        vocabulary, width, hidden, state[prefix + "embeddings.position_embeddings.weight"].shape[0]
    )
