"""The cells of a grid in place of masks: what a localiser without a segmenter has to go by, as a baseline."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import Proposals

SIDE = 9
"""Cells on a side, as many as the feature map of the preset tiny has (260 pixels, stride 32)."""


class Grid:
    """Proposes every cell of a grid over the frame; a :class:`~seac.segment.base.Segmenter`.

    On the quick path a cell's global view is then the feature map's own cell (on its ground, which
    :func:`seac.associate.model.sharpened` takes away again), so an association of variant "grid" compares
    the sound with the cells of a feature map.

    Args:
        side: cells on a side.
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
        """All cells in reading order, each as likely a thing as any other."""
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
