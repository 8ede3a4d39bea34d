"""What stage 1 answers: class-agnostic masks of a picture, best first, and the protocol that gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@dataclass(frozen=True)
class Proposals:
    """Masks of one frame, best first; built only in valid form.

    Attributes:
        masks: (N, H, W) bool.
        boxes: (N, 4) float32, xyxy in pixels; x2 and y2 are exclusive.
        scores: (N,) float32 objectness in [0, 1].
    """

    masks: Tensor
    boxes: Tensor
    scores: Tensor

    def __post_init__(self) -> None:
        n = len(self.masks)
        if self.masks.ndim != 3 or self.masks.dtype != torch.bool:
            raise ValueError(
                f"masks are {tuple(self.masks.shape)} {self.masks.dtype}: pass (N, H, W) torch.bool"
            )
        if self.boxes.shape != (n, 4) or self.scores.shape != (n,):
            raise ValueError(
                f"{n} masks with boxes {tuple(self.boxes.shape)} and scores {tuple(self.scores.shape)}: "
                "pass (N, 4) and (N,)"
            )

    def __len__(self) -> int:
        return len(self.masks)

    def top(self, n: int) -> Proposals:
        """The best ``n`` proposals (all of them if there are fewer)."""
        return Proposals(self.masks[:n], self.boxes[:n], self.scores[:n])

    @staticmethod
    def empty(height: int, width: int) -> Proposals:
        """No proposals for a frame of this size."""
        return Proposals(torch.zeros(0, height, width, dtype=torch.bool), torch.zeros(0, 4), torch.zeros(0))


class Segmenter(Protocol):
    """Stage 1: everything in the frame, from the picture alone."""

    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8 RGB; masks have its size."""
        ...


@runtime_checkable
class Sparing(Segmenter, Protocol):
    """A segmenter that need not draw the masks that nobody asks for."""

    def best(self, image: Tensor, most: int) -> Proposals:
        """The first ``most`` of what it proposes for ``image``, (3, H, W) uint8 RGB."""
        ...


def best_of(segmenter: Segmenter, image: Tensor, most: int) -> Proposals:
    """The best ``most`` proposals of a segmenter for ``image``, (3, H, W) uint8 RGB."""
    return segmenter.best(image, most) if isinstance(segmenter, Sparing) else segmenter(image).top(most)
