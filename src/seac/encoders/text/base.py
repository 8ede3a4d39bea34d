"""What reads: the protocol that every text encoder answers to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class TextEncoder(Protocol):
    """A frozen text encoder: sentences to one vector each."""

    dim: int

    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """Encode ``sentences`` to (n, dim) float32 of unit length; no sentences give (0, dim)."""
        ...
