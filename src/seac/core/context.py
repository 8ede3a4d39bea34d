"""Context from which a part is built: its table row, device, weights, and the other parts of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class PartContext(Protocol):
    """Argument of ``from_context``, which every class in a table of parts implements."""

    @property
    def name(self) -> str:
        """Table row of the part; the weights of a part have the same name."""
        ...

    @property
    def device(self) -> str:
        """Device of the networks: "cpu", "cuda", "cuda:1", "mps"."""
        ...

    def weights(self, name: str) -> Path:
        """The file or folder of the weights called ``name``.

        Raises:
            InputError: the weights are unknown, missing, damaged, or cannot be fetched.
        """
        ...

    def part(self, kind: str) -> Any:
        """Another part of the same model, such as ``"vision"`` or ``"text"``; each part is built once.

        Raises:
            InputError: the model has no such part, or the part cannot be built.
        """
        ...
