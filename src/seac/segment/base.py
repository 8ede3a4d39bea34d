"""What stage 1 answers: class-agnostic masks of a picture, best first, and the protocol that gives them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from seac.core.types import Proposals


class Segmenter(Protocol):
    """Stage 1: everything in the frame, from the picture alone."""

    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8 RGB; masks have its size."""
        ...


@runtime_checkable
class SupportsLimit(Segmenter, Protocol):
    """A segmenter that need not draw the masks that nobody asks for."""

    def best(self, image: Tensor, max_masks: int) -> Proposals:
        """The first ``max_masks`` of what it proposes for ``image``, (3, H, W) uint8 RGB."""
        ...


def best_of(segmenter: Segmenter, image: Tensor, max_masks: int) -> Proposals:
    """The best ``max_masks`` proposals of a segmenter for ``image``, (3, H, W) uint8 RGB."""
    return (
        segmenter.best(image, max_masks)
        if isinstance(segmenter, SupportsLimit)
        else segmenter(image).top(max_masks)
    )
