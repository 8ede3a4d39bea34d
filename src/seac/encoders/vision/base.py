"""What sees: the protocol that every vision encoder answers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class VisionFeatures:
    """What a vision encoder says of a batch of pictures.

    Attributes:
        embeddings: (n, d_m) float32, not normalised.
        tags: (n, C) float32 probabilities of the encoder's own classes, or None if it has none.
    """

    embeddings: Tensor
    tags: Tensor | None


class VisionEncoder(Protocol):
    """A frozen vision encoder: square pictures to one vector each.

    ``size`` (pixels) and ``mean``, ``std`` (RGB, in [0, 1]) say how pictures are prepared; ``labels`` names
    the columns of ``tags``.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    dim: int
    labels: tuple[str, ...]

    def __call__(self, pixels: Tensor) -> VisionFeatures:
        """Encode ``pixels``, (n, 3, size, size) float32, already normalised, in one batch."""
        ...
