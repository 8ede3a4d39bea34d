"""The proposal network: class-agnostic instance masks with scores in one forward pass.

The network follows CondInst (Tian et al., ECCV 2020): every location of the pyramid predicts the weights of a
small network of 1x1 convolutions, whose inputs are shared mask features and coordinates relative to the
location and whose output is one mask. Unlike prototypes with coefficients (YOLACT), this separates identical
objects by their position; boxes are not needed. The score is trained to be the IoU of the mask (generalized
focal loss, Li et al., NeurIPS 2020). Selected masks are decoded again from features at stride 2, sharpened
with the backbone's first block. The backbone is EfficientNet-Lite2 with fused batch norms.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The architecture is that of tiny's image encoder; the weights are separate.
from seac.encoders.vision.efficientnet_lite import EfficientNetLite2
from seac.segment.proposal_net.layers import SeparableConv
from seac.segment.proposal_net.refinement_head import RefinementHead

FEATURE_BLOCKS = (3, 6, 14, 20)  # blocks whose outputs are the levels at strides 4, 8, 16 and 32
FEATURE_CHANNELS = (24, 48, 120, 352)
STRIDES = (8, 16, 32)
MASK_STRIDE, FINE_STRIDE = 4, 2
EDGES, SHARP = 16, 32  # channels of the first block, at stride 2, and of the sharpening layers
WIDTH, MASK_CHANNELS, HIDDEN = 64, 16, 8
INPUTS = MASK_CHANNELS + 2
KERNEL = INPUTS * HIDDEN + HIDDEN + HIDDEN * HIDDEN + HIDDEN + HIDDEN + 1


@dataclass(frozen=True)
class Locations:
    """Outputs of the network for B images at L locations, all pyramid levels concatenated.

    Attributes:
        logits: (B, L) predicted quality before the sigmoid.
        kernels: (B, L, KERNEL) weights of the mask network of each location.
        centres: (L, 2) x, y of the locations in pixels of the network's input.
        strides: (L,) strides of the locations' levels.
        features: (B, MASK_CHANNELS, h, w) mask features at stride 4.
        context: (B, WIDTH, h, w) finest level of the pyramid, the input of the mask features.
        edges: (B, EDGES, 2h, 2w) features of the backbone at stride 2.
    """

    logits: Tensor
    kernels: Tensor
    centres: Tensor
    strides: Tensor
    features: Tensor
    context: Tensor
    edges: Tensor


class ProposalNet(nn.Module):
    """Backbone, feature pyramid, shared head and mask features."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = EfficientNetLite2()
        del self.backbone._conv_head, self.backbone._fc
        self.lateral = nn.ModuleList(nn.Conv2d(c, WIDTH, 1) for c in FEATURE_CHANNELS)
        self.smooth = nn.ModuleList(SeparableConv(WIDTH, WIDTH) for _ in FEATURE_CHANNELS)
        self.head = nn.Sequential(
            *(SeparableConv(WIDTH + 2, WIDTH + 2) for _ in range(1)), SeparableConv(WIDTH + 2, 96)
        )
        self.score = nn.Conv2d(96, 1, 3, padding=1)
        self.kernel = nn.Conv2d(96, KERNEL, 1)
        self.mask = nn.Sequential(SeparableConv(WIDTH, WIDTH), nn.Conv2d(WIDTH, MASK_CHANNELS, 1))
        last = nn.Conv2d(SHARP, MASK_CHANNELS, 1)
        self.sharpen = nn.Sequential(
            SeparableConv(MASK_CHANNELS + EDGES, SHARP), SeparableConv(SHARP, SHARP), last
        )
        nn.init.zeros_(last.weight)  # untrained, it changes nothing
        nn.init.zeros_(_bias(last))
        self.refine = RefinementHead(MASK_CHANNELS, WIDTH)
        nn.init.constant_(_bias(self.score), -3.5)
        nn.init.normal_(
            self.kernel.weight, std=0.04
        )  # three layers multiply; a smaller std trains too slowly

    def forward(self, pixels: Tensor) -> Locations:
        """Return the outputs for ``pixels`` (B, 3, H, W), normalised, H and W multiples of 32."""
        edges, feature_levels = self._feature_levels(pixels)
        pyramid = self._pyramid(feature_levels)
        centres, strides = grid_of(pixels.shape[-2], pixels.shape[-1], pixels)
        coordinates = 2 * centres / centres.new_tensor([pixels.shape[-1], pixels.shape[-2]]) - 1
        counts = [pyramid_level.shape[-2] * pyramid_level.shape[-1] for pyramid_level in pyramid[1:]]
        logits, kernels = [], []
        for pyramid_level, part in zip(pyramid[1:], torch.split(coordinates, counts), strict=True):
            grid = part.T.reshape(1, 2, *pyramid_level.shape[-2:]).expand(len(pyramid_level), -1, -1, -1)
            hidden = self.head(torch.cat([pyramid_level, grid], 1))
            logits.append(self.score(hidden).flatten(1))
            kernels.append(self.kernel(hidden).flatten(2).transpose(1, 2))
        return Locations(
            torch.cat(logits, 1),
            torch.cat(kernels, 1),
            centres,
            strides,
            self.mask(pyramid[0]),
            pyramid[0],
            edges,
        )

    def fine_features(self, locations: Locations) -> Tensor:
        """Return mask features (B, MASK_CHANNELS, H / 2, W / 2), upsampled from stride 4 and sharpened."""
        larger = F.interpolate(
            locations.features, locations.edges.shape[-2:], mode="bilinear", align_corners=False
        )
        residual: Tensor = self.sharpen(torch.cat([larger, locations.edges], 1))
        return larger + residual

    def _feature_levels(self, pixels: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        first, *others = self.backbone._blocks
        edges: Tensor = first(F.relu6(self.backbone._conv_stem(pixels)))
        x, feature_levels = edges, []
        for index, block in enumerate(others, 1):
            x = block(x)
            if index in FEATURE_BLOCKS:
                feature_levels.append(x)
        return edges, tuple(feature_levels)

    def _pyramid(self, feature_levels: tuple[Tensor, ...]) -> list[Tensor]:
        sides = [lateral(level) for lateral, level in zip(self.lateral, feature_levels, strict=True)]
        above = sides[-1]
        levels = [self.smooth[-1](above)]
        for index in (2, 1, 0):
            above = sides[index] + F.interpolate(above, sides[index].shape[-2:], mode="nearest")
            levels.insert(0, self.smooth[index](above))
        return levels


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None  # only called for layers with a bias
    return layer.bias


def positions(height: int, width: int, stride: int, like: Tensor) -> Tensor:
    """Return the centres (height * width, 2), x then y, of a grid of locations in input pixels."""
    y, x = torch.meshgrid(
        torch.arange(height, device=like.device), torch.arange(width, device=like.device), indexing="ij"
    )
    return (torch.stack([x, y], -1).reshape(-1, 2).to(like.dtype) + 0.5) * stride


def grid_of(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centres (L, 2) and strides (L,) of all locations for an input size, finest level first."""
    levels = [positions(height // stride, width // stride, stride, like) for stride in STRIDES]
    strides = [
        level.new_full((len(level),), float(stride)) for level, stride in zip(levels, STRIDES, strict=True)
    ]
    return torch.cat(levels), torch.cat(strides)


def decode_masks(
    features: Tensor, kernels: Tensor, centres: Tensor, strides: Tensor, stride: int = MASK_STRIDE
) -> Tensor:
    """Return the mask logits of K locations of one image.

    Args:
        features: (MASK_CHANNELS, h, w) mask features.
        kernels: (K, KERNEL) mask network weights of the locations.
        centres: (K, 2) x, y of the locations in pixels of the input.
        strides: (K,) strides of the locations' levels.
        stride: stride of the features.

    Returns:
        (K, h, w) float32.
    """
    k, (_, height, width) = len(kernels), features.shape
    first, bias1, second, bias2, third, bias3 = torch.split(
        kernels, [INPUTS * HIDDEN, HIDDEN, HIDDEN * HIDDEN, HIDDEN, HIDDEN, 1], 1
    )
    grid = positions(height, width, stride, features).T
    unit = (4.0 * strides)[:, None]  # coordinates are in units of the level's typical half object size
    first = first.reshape(k, HIDDEN, INPUTS)
    to_grid = first[..., MASK_CHANNELS:] / unit[..., None]
    weight = torch.cat([first[..., :MASK_CHANNELS], to_grid], -1).reshape(k * HIDDEN, INPUTS)
    offset = bias1 - (to_grid * centres[:, None]).sum(-1)
    stacked = torch.cat([features.reshape(MASK_CHANNELS, -1), grid])
    hidden = F.relu((weight @ stacked).reshape(k, HIDDEN, height * width) + offset[..., None], inplace=True)
    hidden = F.relu(torch.baddbmm(bias2[..., None], second.reshape(k, HIDDEN, HIDDEN), hidden), inplace=True)
    return torch.baddbmm(bias3[..., None], third[:, None], hidden).reshape(k, height, width)
