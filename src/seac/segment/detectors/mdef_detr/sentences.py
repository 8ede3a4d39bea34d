"""Converts text prompts (sentences) to RoBERTa's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.weights.cache import Weights

PAD = 1
TOKENIZER = "roberta-tokenizer"
PUBLISHED = {
    "all objects": (0, 1250, 8720, 2),
    "all entities": (0, 1250, 11726, 2),
    "all visible entities and objects": (0, 1250, 7097, 11726, 8, 8720, 2),
    "all obscure entities and objects": (0, 1250, 33347, 11726, 8, 8720, 2),
}
"""Tokens of the authors' prompts, which therefore need no tokenizer. The tokens are those of the reference
outputs; a test compares them with RoBERTa's tokenizer if it is in the cache."""


def tokens_of(sentences: Sequence[str], tokenizer: Any = None) -> tuple[Tensor, Tensor]:
    """Return the tokens of sentences, padded to the longest.

    Args:
        sentences: at least one.
        tokenizer: transformers' RobertaTokenizer; None calls :func:`load_tokenizer` if a sentence needs it.

    Returns:
        input_ids and attention_mask, (T, L) int64 each.

    Raises:
        InputError: no sentences, or a sentence needs the tokenizer and it is missing.
    """
    sentences = (sentences,) if isinstance(sentences, str) else tuple(sentences)
    if not sentences:
        raise InputError("no sentences: pass at least one, such as 'all objects'")
    if tokenizer is None:
        unpublished = [sentence for sentence in sentences if sentence not in PUBLISHED]
        if not unpublished:
            return pad_tokens([PUBLISHED[sentence] for sentence in sentences])
        tokenizer = load_tokenizer(unpublished[0])
    return pad_tokens([tuple(tokenizer(sentence)["input_ids"]) for sentence in sentences])


def load_tokenizer(sentence: str, weights: Weights | None = None) -> Any:
    """Load RoBERTa's tokenizer from the weights cache.

    Args:
        sentence: the sentence that needs the tokenizer, for the error message.
        weights: weights to search; None searches the cache without downloading.

    Raises:
        InputError: the tokenizer is missing.
    """
    from transformers import RobertaTokenizer

    try:
        folder = (weights or Weights(fetch=False))(TOKENIZER)
    except InputError as error:
        published = ", ".join(repr(sentence) for sentence in PUBLISHED)
        raise InputError(
            f"the sentence {sentence!r} needs RoBERTa's tokenizer, which {published} do not: {error}"
        ) from error
    return RobertaTokenizer.from_pretrained(str(folder))  # nosec B615


def pad_tokens(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Pad rows of tokens to the longest, L; return input_ids and attention_mask, (T, L) int64 each."""
    length = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[PAD] * (length - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask
