"""The proposal network: one forward pass gives class-agnostic instance masks with scores.

After CondInst (Tian et al., ECCV 2020): every cell of the pyramid predicts the weights of a tiny network of
1x1 convolutions which, run over shared mask features and coordinates relative to the cell, draws one mask.
Unlike prototypes with coefficients (YOLACT) it tells equal things apart by where they are, and it needs no
boxes. The score is trained to be the IoU of the mask (generalized focal loss, Li et al., NeurIPS 2020),
since order matters more here than class. Masks that are kept are drawn again from features at stride 2,
sharpened by the backbone's first block. Features: EfficientNet-Lite2, its batch norms folded.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The architecture is shared with the vision encoder of tiny; stage 1 keeps weights of its own.
from seac.encoders.vision.efficientnet_lite import EfficientNetLite2
from seac.segment.proposal_net.layers import SeparableConv
from seac.segment.proposal_net.refinement_head import RefinementHead

FEATURE_BLOCKS = (3, 6, 14, 20)  # blocks after which strides 4, 8, 16 and 32 are read
FEATURE_CHANNELS = (24, 48, 120, 352)
STRIDES = (8, 16, 32)
MASK_STRIDE, FINE_STRIDE = 4, 2
EDGES, SHARP = 16, 32  # channels of the first block, at stride 2, and of what sharpens
WIDTH, MASK_CHANNELS, HIDDEN = 64, 16, 8
INPUTS = MASK_CHANNELS + 2
KERNEL = INPUTS * HIDDEN + HIDDEN + HIDDEN * HIDDEN + HIDDEN + HIDDEN + 1


@dataclass(frozen=True)
class Locations:
    """What the pyramid says of a batch of B pictures, its cells in one row of length L.

    Attributes:
        logits: (B, L) predicted quality before the sigmoid.
        kernels: (B, L, KERNEL) weights of each cell's mask network.
        centres: (L, 2) x, y of the cells in pixels of the network's input.
        strides: (L,) of the cells' levels.
        features: (B, MASK_CHANNELS, h, w) mask features at stride 4.
        context: (B, WIDTH, h, w) finest level of the pyramid, of which they are made.
        edges: (B, EDGES, 2h, 2w) features of the backbone at stride 2.
        feature_levels: (B, C, h, w) features of the backbone at strides 4, 8, 16 and 32.
    """

    logits: Tensor
    kernels: Tensor
    centres: Tensor
    strides: Tensor
    features: Tensor
    context: Tensor
    edges: Tensor
    feature_levels: tuple[Tensor, ...]


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
        nn.init.normal_(self.kernel.weight, std=0.04)  # three layers multiply: smaller starts too slowly

    def forward(self, pixels: Tensor) -> Locations:
        """Cells of ``pixels`` (B, 3, H, W), normalised, H and W multiples of 32."""
        edges, feature_levels = self._feature_levels(pixels)
        pyramid = self._pyramid(feature_levels)
        centres, strides = grid_of(pixels.shape[-2], pixels.shape[-1], pixels)
        square = 2 * centres / centres.new_tensor([pixels.shape[-1], pixels.shape[-2]]) - 1
        counts = [pyramid_level.shape[-2] * pyramid_level.shape[-1] for pyramid_level in pyramid[1:]]
        logits, kernels = [], []
        for pyramid_level, where in zip(pyramid[1:], torch.split(square, counts), strict=True):
            grid = where.T.reshape(1, 2, *pyramid_level.shape[-2:]).expand(len(pyramid_level), -1, -1, -1)
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
            feature_levels,
        )

    def fine_features(self, locations: Locations) -> Tensor:
        """Mask features (B, MASK_CHANNELS, H / 2, W / 2): those at stride 4 enlarged, and sharpened."""
        larger = F.interpolate(
            locations.features, locations.edges.shape[-2:], mode="bilinear", align_corners=False
        )
        sharper: Tensor = self.sharpen(torch.cat([larger, locations.edges], 1))
        return larger + sharper

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
    assert layer.bias is not None  # every layer asked for has one
    return layer.bias


def positions(height: int, width: int, stride: int, like: Tensor) -> Tensor:
    """Centres (height * width, 2), x then y, of a grid of cells in input pixels."""
    y, x = torch.meshgrid(
        torch.arange(height, device=like.device), torch.arange(width, device=like.device), indexing="ij"
    )
    return (torch.stack([x, y], -1).reshape(-1, 2).to(like.dtype) + 0.5) * stride


def grid_of(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Centres (L, 2) and strides (L,) of the cells of pictures of a size, finest level first."""
    levels = [positions(height // stride, width // stride, stride, like) for stride in STRIDES]
    strides = [
        each.new_full((len(each),), float(stride)) for each, stride in zip(levels, STRIDES, strict=True)
    ]
    return torch.cat(levels), torch.cat(strides)


def decode_masks(
    features: Tensor, kernels: Tensor, centres: Tensor, strides: Tensor, stride: int = MASK_STRIDE
) -> Tensor:
    """Mask logits of chosen cells of one picture.

    Args:
        features: (MASK_CHANNELS, h, w) mask features.
        kernels: (K, KERNEL) of the cells.
        centres: (K, 2) x, y of the cells in pixels of the input.
        strides: (K,) of the cells.
        stride: of the features.

    Returns:
        (K, h, w) float32.
    """
    k, (_, height, width) = len(kernels), features.shape
    first, bias1, second, bias2, third, bias3 = torch.split(
        kernels, [INPUTS * HIDDEN, HIDDEN, HIDDEN * HIDDEN, HIDDEN, HIDDEN, 1], 1
    )
    grid = positions(height, width, stride, features).T
    reach = (4.0 * strides)[:, None]  # coordinates are in units of a typical half size of the level
    first = first.reshape(k, HIDDEN, INPUTS)
    to_grid = first[..., MASK_CHANNELS:] / reach[..., None]
    weight = torch.cat([first[..., :MASK_CHANNELS], to_grid], -1).reshape(k * HIDDEN, INPUTS)
    offset = bias1 - (to_grid * centres[:, None]).sum(-1)
    stacked = torch.cat([features.reshape(MASK_CHANNELS, -1), grid])
    hidden = F.relu((weight @ stacked).reshape(k, HIDDEN, height * width) + offset[..., None], inplace=True)
    hidden = F.relu(torch.baddbmm(bias2[..., None], second.reshape(k, HIDDEN, HIDDEN), hidden), inplace=True)
    return torch.baddbmm(bias3[..., None], third[:, None], hidden).reshape(k, height, width)
