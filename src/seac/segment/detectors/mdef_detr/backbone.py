"""ResNet-101 with frozen batch norm: the feature pyramid of an image at strides 8, 16 and 32.

Layout and names are those of torchvision (stride on the 3x3 convolution). A frozen batch norm is an affine
map, so it is fused into the preceding convolution in every forward pass: one pass over memory less for each
of the 104 convolutions, at a hundredth of the network's cost.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-5


class FrozenNorm(nn.Module):
    """Batch norm with fixed statistics; four buffers of (C,) float32."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def affine(self) -> tuple[Tensor, Tensor]:
        """Return the scale and shift, (C,) each, of the norm as an affine map."""
        scale = self.weight * (self.running_var + EPS).rsqrt()
        return scale, self.bias - self.running_mean * scale


def convolve(x: Tensor, convolution: nn.Conv2d, norm: FrozenNorm) -> Tensor:
    """Apply a convolution and its frozen norm as one convolution."""
    scale, shift = norm.affine()
    weight = convolution.weight * scale[:, None, None, None]
    return F.conv2d(x, weight, shift, convolution.stride, convolution.padding)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions with a shortcut; the 3x3 convolution has the stride."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = FrozenNorm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = FrozenNorm(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = FrozenNorm(out)
        self.downsample: nn.ModuleList | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.ModuleList(
                [nn.Conv2d(channels, out, 1, stride, bias=False), FrozenNorm(out)]
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 4 width, H / stride, W / stride)."""
        y = convolve(x, self.conv1, self.bn1).relu_()
        y = convolve(y, self.conv2, self.bn2).relu_()
        y = convolve(y, self.conv3, self.bn3)
        shortcut = x if self.downsample is None else convolve(x, *self.downsample)
        return y.add_(shortcut).relu_()


class ResNet(nn.Module):
    """Stem and four stages; ``stem`` is the number of channels after the first convolution."""

    def __init__(self, stem: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = FrozenNorm(stem)
        self.layer1 = _stage(stem, stem, 3, 1)
        self.layer2 = _stage(4 * stem, 2 * stem, 4, 2)
        self.layer3 = _stage(8 * stem, 4 * stem, 23, 2)
        self.layer4 = _stage(16 * stem, 8 * stem, 3, 2)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the outputs of stages 2, 3 and 4."""
        x = F.max_pool2d(convolve(pixels, self.conv1, self.bn1).relu_(), 3, 2, 1)
        x = self.layer1(x)
        fine = self.layer2(x)
        middle = self.layer3(fine)
        return fine, middle, self.layer4(middle)


def _stage(channels: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(channels, width, stride)
    return nn.Sequential(first, *(Bottleneck(4 * width, width, 1) for _ in range(blocks - 1)))


class Backbone(nn.Module):
    """Wraps the ResNet under the name ``body``, as in the released file."""

    def __init__(self, stem: int = 64) -> None:
        super().__init__()
        self.body = ResNet(stem)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the feature pyramid of images.

        Args:
            pixels: (B, 3, H, W) float, normalised.

        Returns:
            (B, 512, H/8, W/8), (B, 1024, H/16, W/16), (B, 2048, H/32, W/32), sizes rounded up (8, 16 and 32
            times ``stem`` channels).
        """
        # Channels-last convolutions are faster on CPUs and GPUs; values do not change.
        pyramid: tuple[Tensor, Tensor, Tensor] = self.body(pixels.to(memory_format=torch.channels_last))
        return pyramid
