"""Protocols of stage 1: class-agnostic mask proposals of an image, best first."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from seac.core.types import Proposals


class Segmenter(Protocol):
    """Stage 1: proposes masks of all objects and regions of an image."""

    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks (N, H, W) for ``image``, (3, H, W) uint8 RGB."""
        ...


@runtime_checkable
class SupportsLimit(Segmenter, Protocol):
    """A segmenter that can limit the number of masks that it decodes."""

    def best(self, image: Tensor, max_masks: int) -> Proposals:
        """Return the best ``max_masks`` proposals for ``image``, (3, H, W) uint8 RGB."""
        ...


def best_of(segmenter: Segmenter, image: Tensor, max_masks: int) -> Proposals:
    """Return the best ``max_masks`` proposals of a segmenter for ``image``, (3, H, W) uint8 RGB."""
    return (
        segmenter.best(image, max_masks)
        if isinstance(segmenter, SupportsLimit)
        else segmenter(image).top(max_masks)
    )
