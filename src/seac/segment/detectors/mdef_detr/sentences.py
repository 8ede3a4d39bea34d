"""From sentences to RoBERTa's tokens."""

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
"""The sentences that the authors ask with, so that these need no tokenizer. The tokens are those of the
reference outputs; a test holds them against RoBERTa's own tokenizer where it is in the cache."""


def tokens_of(sentences: Sequence[str], tokenizer: Any = None) -> tuple[Tensor, Tensor]:
    """Tokens of sentences, padded to the longest.

    Args:
        sentences: at least one.
        tokenizer: transformers' RobertaTokenizer; None takes :func:`load_tokenizer` if a sentence needs it.

    Returns:
        input_ids and attention_mask, (T, L) int64 each.

    Raises:
        InputError: no sentences, or one that needs a tokenizer and there is none.
    """
    sentences = (sentences,) if isinstance(sentences, str) else tuple(sentences)
    if not sentences:
        raise InputError("no sentences: pass at least one, such as 'all objects'")
    if tokenizer is None:
        foreign = [sentence for sentence in sentences if sentence not in PUBLISHED]
        if not foreign:
            return padded([PUBLISHED[sentence] for sentence in sentences])
        tokenizer = load_tokenizer(foreign[0])
    return padded([tuple(tokenizer(sentence)["input_ids"]) for sentence in sentences])


def load_tokenizer(sentence: str, weights: Weights | None = None) -> Any:
    """RoBERTa's tokenizer from the weights cache.

    Args:
        sentence: what it is needed for, to be told if it is not there.
        weights: where to look; None looks in the cache and fetches nothing.

    Raises:
        InputError: it is not there.
    """
    from transformers import RobertaTokenizer

    try:
        folder = (weights or Weights(fetch=False))(TOKENIZER)
    except InputError as error:
        known = ", ".join(repr(sentence) for sentence in PUBLISHED)
        raise InputError(
            f"the sentence {sentence!r} needs RoBERTa's tokenizer, which {known} do not: {error}"
        ) from error
    return RobertaTokenizer.from_pretrained(str(folder))


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token rows as input_ids and attention_mask, (T, L) int64, L that of the longest."""
    length = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[PAD] * (length - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask
