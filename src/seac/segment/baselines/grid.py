"""Baseline: the cells of a grid as masks, as in localisers without a segmenter."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import Proposals

SIDE = 9
"""Cells per side; equals the side of the feature map of the preset tiny (260 pixels, stride 32)."""


class Grid:
    """Proposes every cell of a grid over the frame; a :class:`~seac.segment.base.Segmenter`.

    On the fast path, the context view of a cell is the feature vector at that location of the feature map, so
    an association of variant "grid" compares the audio with the locations of a feature map.

    Args:
        side: cells per side.
    """

    def __init__(self, side: int = SIDE) -> None:
        self.side = side
        self.cells = side**2
        self.version = f"grid {side} x {side}"

    @classmethod
    def from_context(cls, context: PartContext) -> Grid:
        """The row of a table."""
        return cls()

    def __call__(self, image: Tensor) -> Proposals:
        """Return all cells in row-major order, each with score .5."""
        height, width = image.shape[-2:]
        rows = torch.arange(height) * self.side // height
        columns = torch.arange(width) * self.side // width
        number = rows[:, None] * self.side + columns[None, :]
        masks = number[None] == torch.arange(self.cells)[:, None, None]
        masks = masks[masks.any(dim=2).any(dim=1)]
        boxes = [
            [span.min() for span in spans] + [span.max() + 1 for span in spans]
            for spans in (torch.where(mask)[::-1] for mask in masks)
        ]
        return Proposals(masks, torch.tensor(boxes, dtype=torch.float32), torch.full((len(masks),), 0.5))
