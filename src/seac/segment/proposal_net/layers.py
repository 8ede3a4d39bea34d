"""Layers that the networks of ours are made of."""

from __future__ import annotations

from torch import nn


class Separable(nn.Sequential):
    """Depthwise 3x3, pointwise, batch norm, ReLU."""

    def __init__(self, given: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(given, given, 3, padding=1, groups=given, bias=False),
            nn.Conv2d(given, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
