"""From sentences to RoBERTa's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from seac.errors import InputError

PAD = 1
PUBLISHED = {
    "all objects": (0, 1250, 8720, 2),
    "all entities": (0, 1250, 11726, 2),
    "all visible entities and objects": (0, 1250, 7097, 11726, 8, 8720, 2),
    "all obscure entities and objects": (0, 1250, 33347, 11726, 8, 8720, 2),
}
"""The sentences that the authors ask with, and their tokens: no tokenizer is needed for these."""


def tokens_of(sentences: Sequence[str], tokenizer: Any = None) -> tuple[Tensor, Tensor]:
    """Tokens of sentences, padded to the longest.

    Args:
        sentences: at least one.
        tokenizer: transformers' RobertaTokenizer; None for the published sentences.

    Returns:
        input_ids and attention_mask, (T, L) int64 each.

    Raises:
        InputError: no sentences, or one that needs a tokenizer and there is none.
    """
    if isinstance(sentences, str):
        sentences = (sentences,)
    if not sentences:
        raise InputError("no sentences: pass at least one, such as 'all objects'")
    if tokenizer is not None:
        rows = [tuple(tokenizer(sentence)["input_ids"]) for sentence in sentences]
    else:
        rows = [_published(sentence) for sentence in sentences]
    return padded(rows)


def _published(sentence: str) -> tuple[int, ...]:
    if sentence not in PUBLISHED:
        raise InputError(
            f"the sentence {sentence!r} needs RoBERTa's tokenizer: pass tokenizer= or input_ids=, or use one of "
            + ", ".join(repr(known) for known in PUBLISHED)
        )
    return PUBLISHED[sentence]


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token rows as input_ids and attention_mask, (T, L) int64, L that of the longest."""
    length = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[PAD] * (length - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask
