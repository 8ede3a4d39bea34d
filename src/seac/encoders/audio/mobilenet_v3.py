"""MobileNetV3 (large) of any width on log-mel frames, and an audio encoder of it.

The same network, weights aside, as EfficientAT's mn04 (width .4) and mn10 (width 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from seac.core.types import AudioFeatures
from seac.encoders.audio.preemphasis_log_mel import RATE, PreemphasisLogMel
from seac.encoders.fuse_bn import fuse_bn

WINDOW, HOP = 64_000, 32_000
BATCH = 16  # windows per forward pass; the activations of larger batches do not fit in the CPU cache
MIN_SAMPLES = RATE
"""Shorter windows are padded with silence: the receptive field of the last layers is about a second."""
STEM, HIDDEN = 16, 1280
EMBED = 6
"""The embedding is so many times as wide as the last block."""
SQUEEZE = 4
"""The squeeze-and-excitation is so many times as narrow as its input."""


@dataclass(frozen=True)
class BlockShape:
    """Shape of an inverted residual block.

    Attributes:
        kernel: side of the depthwise convolution.
        expanded: channels of the depthwise convolution.
        channels: channels out.
        stride: of the depthwise convolution.
        squeezed: hidden channels of the squeeze-and-excitation; 0 for none.
        hard_swish: the activation is hard swish, otherwise ReLU.
    """

    kernel: int
    expanded: int
    channels: int
    stride: int
    squeezed: int
    hard_swish: bool


LARGE = (
    BlockShape(3, 16, 16, 1, 0, hard_swish=False),
    BlockShape(3, 64, 24, 2, 0, hard_swish=False),
    BlockShape(3, 72, 24, 1, 0, hard_swish=False),
    BlockShape(5, 72, 40, 2, 1, hard_swish=False),
    BlockShape(5, 120, 40, 1, 1, hard_swish=False),
    BlockShape(5, 120, 40, 1, 1, hard_swish=False),
    BlockShape(3, 240, 80, 2, 0, hard_swish=True),
    BlockShape(3, 200, 80, 1, 0, hard_swish=True),
    BlockShape(3, 184, 80, 1, 0, hard_swish=True),
    BlockShape(3, 184, 80, 1, 0, hard_swish=True),
    BlockShape(3, 480, 112, 1, 1, hard_swish=True),
    BlockShape(3, 672, 112, 1, 1, hard_swish=True),
    BlockShape(5, 672, 160, 2, 1, hard_swish=True),
    BlockShape(5, 960, 160, 1, 1, hard_swish=True),
    BlockShape(5, 960, 160, 1, 1, hard_swish=True),
)
"""Blocks at width 1; ``squeezed`` says only whether there is a squeeze-and-excitation."""


def multiple_of_eight(channels: float) -> int:
    """Round to a multiple of eight, at least eight and at least nine tenths of ``channels``."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def blocks_of(width: float) -> tuple[BlockShape, ...]:
    """Return the blocks of the network of a width."""
    shapes = []
    for shape in LARGE:
        expanded = multiple_of_eight(shape.expanded * width)
        squeezed = multiple_of_eight(expanded // SQUEEZE) if shape.squeezed else 0
        channels = multiple_of_eight(shape.channels * width)
        shapes.append(replace(shape, expanded=expanded, channels=channels, squeezed=squeezed))
    return tuple(shapes)


def _activation(*, hard_swish: bool) -> nn.Module:
    return nn.Hardswish() if hard_swish else nn.ReLU()


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and, unless ``activation`` is None, an activation; the size is kept."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int,
        activation: nn.Module | None,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(channels, eps=0.001, momentum=0.01),
            *(() if activation is None else (activation,)),
        )


class SqueezeExcitation(nn.Module):
    """Scales each channel by a function of the means of all channels."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, squeezed)
        self.excite = nn.Linear(squeezed, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, channels, h, w) to the same shape."""
        scale = torch.sigmoid(self.excite(torch.relu(self.squeeze(features.mean(dim=(2, 3))))))
        return features * scale[:, :, None, None]


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, squeeze-and-excitation where given, projection; residual."""

    def __init__(self, in_channels: int, shape: BlockShape) -> None:
        super().__init__()
        activation = partial(_activation, hard_swish=shape.hard_swish)
        self.residual = shape.stride == 1 and in_channels == shape.channels
        self.expand = (
            ConvNorm(in_channels, shape.expanded, 1, activation())
            if shape.expanded != in_channels
            else nn.Identity()
        )
        self.spread = ConvNorm(
            *(shape.expanded, shape.expanded, shape.kernel, activation()), shape.stride, shape.expanded
        )
        self.scale = SqueezeExcitation(shape.expanded, shape.squeezed) if shape.squeezed else nn.Identity()
        self.project = ConvNorm(shape.expanded, shape.channels, 1, None)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, in_channels, h, w) to (n, channels, h / stride, w / stride)."""
        projected: Tensor = self.project(self.scale(self.spread(self.expand(features))))
        return projected + features if self.residual else projected


class MobileNetV3(nn.Module):
    """Maps log-mel (n, 128, frames) to embeddings (n, dim) and class logits (n, classes).

    Args:
        classes: number of classes.
        width: factor on the number of channels of every layer.
    """

    def __init__(self, classes: int, width: float) -> None:
        super().__init__()
        blocks, stem, hidden = blocks_of(width), multiple_of_eight(STEM * width), HIDDEN * width
        self.stem = ConvNorm(1, stem, 3, nn.Hardswish(), stride=2)
        widths = [stem, *(shape.channels for shape in blocks)]
        self.blocks = nn.Sequential(
            *(InvertedResidual(width, shape) for width, shape in zip(widths[:-1], blocks, strict=True))
        )
        self.dim = EMBED * widths[-1]
        self.embed = ConvNorm(widths[-1], self.dim, 1, nn.Hardswish())
        self.hidden = nn.Linear(self.dim, multiple_of_eight(hidden))
        self.classify = nn.Linear(multiple_of_eight(hidden), classes)

    def fuse_bn(self) -> None:
        """Fuse the batch norms into the convolutions, for inference only; outputs do not change."""
        fuse_bn(self)

    def forward(self, logmel: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings (n, dim), the means of the last feature map, and class logits (n, classes)."""
        embedding = self.embed(self.blocks(self.stem(logmel[:, None]))).mean(dim=(2, 3))
        return embedding, self.classify(nn.functional.hardswish(self.hidden(embedding)))


class MobileNetAudio:
    """The network as an :class:`~seac.encoders.base.AudioEncoder`.

    Args:
        network: with its weights.
        labels: names of its classes.
        device: where it runs.
        version: of its weights.
    """

    sample_rate, window, hop = RATE, WINDOW, HOP

    def __init__(
        self, network: MobileNetV3, labels: tuple[str, ...], device: torch.device | str, version: str
    ) -> None:
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(requires_grad=False).to(self.device)
        self.network.to(memory_format=torch.channels_last)
        self.front = PreemphasisLogMel()
        self.dim = network.dim
        self.labels = labels
        self.version = version

    @torch.inference_mode()
    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, S) float32 in [-1, 1] at 32 kHz, in one batch.

        S is 64,000 in the pipeline; any other length is possible, below 32,000 it is padded with silence.
        """
        if len(windows) == 0:
            return AudioFeatures(torch.zeros(0, self.dim), torch.zeros(0, len(self.labels)))
        if windows.shape[1] < MIN_SAMPLES:
            windows = nn.functional.pad(windows, (0, MIN_SAMPLES - windows.shape[1]))
        outputs = [self.network(self.front(part).to(self.device)) for part in torch.split(windows, BATCH)]
        embeddings, logits = (torch.cat(part) for part in zip(*outputs, strict=True))
        return AudioFeatures(embeddings.cpu(), logits.sigmoid().cpu())
