"""What a frame's masks look like to the vision encoder: both views of every mask, kept apart."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class MaskEmbeddings:
    """Local and global view of N masks (Eq. 1-2), apart, so that lambda is chosen without encoding again.

    Attributes:
        local: (N, d_m) float32, ``v(local view)``.
        context: (N, d_m) float32, ``v(global view)``.
        local_tags: (N, C) float32 class probabilities of the local views, or None.
        context_tags: (N, C) float32 class probabilities of the global views, or None.
    """

    local: Tensor
    context: Tensor
    local_tags: Tensor | None = None
    context_tags: Tensor | None = None

    def __len__(self) -> int:
        return len(self.local)

    def at(self, rows: Tensor) -> MaskEmbeddings:
        """Those of masks ``rows`` (n,) int64."""
        tags = (None if tags is None else tags[rows] for tags in (self.local_tags, self.context_tags))
        return MaskEmbeddings(self.local[rows], self.context[rows], *tags)

    def mixed(self, lam: float) -> Tensor:
        """Mask embeddings ``f`` of Eq. 3: (N, d_m) ``lam * local + (1 - lam) * context``."""
        return torch.lerp(self.context, self.local, lam)

    def mixed_tags(self, lam: float) -> Tensor:
        """Class probabilities mixed as Eq. 3 mixes embeddings: (N, C).

        Raises:
            ValueError: the encoder has no classes.
        """
        if self.local_tags is None or self.context_tags is None:
            raise ValueError("these embeddings carry no class probabilities: use an encoder that has labels")
        return torch.lerp(self.context_tags, self.local_tags, lam)
