"""What a part is given when it is built: the row that names it, where it runs, its weights, the other parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class PartContext(Protocol):
    """The one argument of ``from_context``, which every class that a table names has."""

    @property
    def name(self) -> str:
        """The row under which the part was chosen; weights of a part have the same name."""
        ...

    @property
    def device(self) -> str:
        """Where networks run: "cpu", "cuda", "cuda:1", "mps"."""
        ...

    def weights(self, name: str) -> Path:
        """The file or folder of the weights called ``name``.

        Raises:
            InputError: no such weights, or they are missing, damaged, or cannot be fetched.
        """
        ...

    def part(self, kind: str) -> Any:
        """Another part of the same model, such as ``"vision"`` or ``"text"``; each is built once.

        Raises:
            InputError: the model has none, or that part cannot be built.
        """
        ...
