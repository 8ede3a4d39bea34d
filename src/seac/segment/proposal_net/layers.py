"""Layers shared by the proposal network and its mask refinement head."""

from __future__ import annotations

from torch import nn


class Separable(nn.Sequential):
    """Depthwise 3x3 convolution, pointwise convolution, batch norm, ReLU."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
            nn.Conv2d(in_channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
