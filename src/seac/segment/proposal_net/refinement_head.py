"""Mask refinement head: predicts each mask again in an enlarged view around it, for precise boundaries.

The head follows CascadePSP (Cheng et al., CVPR 2020): a small network maps the view of the image and the
coarse mask to a refined mask. The proposal network's features of the view are an additional input. All masks
of a frame form one batch.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seac.segment.proposal_net.layers import SeparableConv

VIEW = 128  # side of a view in pixels
MARGIN = 1.2  # side of a view relative to the mask's box, to include missed parts of the object
MIN_ASPECT = 0.5  # minimum ratio of a view's sides
MAX_LOGIT = 6.0  # coarse logits are clamped to this magnitude
WIDTHS = (24, 48, 96, 128)  # channels at 1/2, 1/4, 1/8 and 1/16 of a view


class Block(nn.Module):
    """Two separable convolutions with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # flat, as the weights were stored
        self.body = nn.Sequential(*SeparableConv(channels, channels), *SeparableConv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        y: Tensor = x + self.body(x)
        return y


class RefinementHead(nn.Module):
    """A U-Net over views of masks; input and output at full resolution, layers at half resolution.

    Args:
        features: channels of the proposal network's mask features.
        context: channels of the finest level of its pyramid.
    """

    def __init__(self, features: int, context: int) -> None:
        super().__init__()
        first, *deeper = WIDTHS
        self.entry = nn.Sequential(
            nn.Conv2d(3 * 4 + 1 + features, first, 3, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
        )
        self.context = nn.Conv2d(context, deeper[0], 1)
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)
            )
            for a, b in zip(WIDTHS, deeper, strict=False)
        )
        self.encode = nn.ModuleList(Block(width) for width in WIDTHS)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in zip(WIDTHS, deeper, strict=False))
        self.decode = nn.ModuleList(Block(width) for width in WIDTHS[:-1])
        self.exit = nn.Conv2d(first, 4, 3, padding=1)
        nn.init.zeros_(self.exit.weight)  # untrained, the head returns the coarse mask
        nn.init.zeros_(self.exit.bias)  # type: ignore[arg-type]  # a convolution with a bias has one

    def forward(self, colours: Tensor, coarse: Tensor, features: Tensor, context: Tensor) -> Tensor:
        """Return the logits of the masks in their views.

        Args:
            colours: (B, 3, VIEW, VIEW) normalised image.
            coarse: (B, 1, VIEW / 2, VIEW / 2) logits of the coarse masks.
            features: (B, C, VIEW / 2, VIEW / 2) mask features.
            context: (B, D, VIEW / 4, VIEW / 4) finest pyramid level.

        Returns:
            (B, VIEW, VIEW) float32.
        """
        coarse = coarse.clamp(-MAX_LOGIT, MAX_LOGIT)
        x = self.entry(torch.cat([F.pixel_unshuffle(colours, 2), coarse.sigmoid() * 2 - 1, features], 1))
        skips = []
        for index, encode in enumerate(self.encode):
            x = x if index == 0 else self.down[index - 1](x)
            x = encode(x + self.context(context) if index == 1 else x)
            skips.append(x)
        for index in reversed(range(len(self.up))):
            larger = F.interpolate(self.up[index](x), skips[index].shape[-2:], mode="nearest")
            x = self.decode[index](skips[index] + larger)
        upsampled = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        logits: Tensor = upsampled + F.pixel_shuffle(self.exit(x), 2)
        return logits[:, 0]


def expand_boxes(boxes: Tensor, margin: float = MARGIN) -> Tensor:
    """Expand boxes (N, 4) xyxy by ``margin``, with an aspect ratio of at least ``MIN_ASPECT``: (N, 4)."""
    centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    half = torch.maximum(side, MIN_ASPECT * side.amax(1, keepdim=True)) * margin / 2
    return torch.cat([centre - half, centre + half], 1)


def roi_align_views(maps: Tensor, which: Tensor, views: Tensor, size: int, samples: int) -> Tensor:
    """Crop views from maps and resize them to squares, as RoIAlign does.

    Args:
        maps: (B, C, h, w).
        which: (N,) int64, index of the map of each view.
        views: (N, 4) xyxy as shares of the image; values outside the image are 0.
        size: side of the result.
        samples: sampling points along each side of an output pixel.

    Returns:
        (N, C, size, size).
    """
    # Equals torchvision's roi_align, whose import would take a quarter of the time to the first result.
    # Sampling is separable, so each view is two small matrix products over the pixels that it covers.
    height, width = maps.shape[-2:]
    outputs = maps.new_empty(len(views), maps.shape[1], size, size)
    for output, index, (x1, y1, x2, y2) in zip(outputs, which.tolist(), views.tolist(), strict=True):
        top, along = _sampling_weights(y1, y2, height, size, samples)
        left, across = _sampling_weights(x1, x2, width, size, samples)
        part = maps[index, :, top : top + along.shape[1], left : left + across.shape[1]].transpose(0, 1)
        rows = along.to(maps) @ part.flatten(
            1
        )  # channels and columns flattened: one product for all channels
        crop = rows.reshape(size * len(output), across.shape[1]) @ across.T.to(maps)
        output.copy_(crop.view(size, len(output), size).transpose(0, 1))
    return outputs


def _sampling_weights(low: float, high: float, length: int, size: int, samples: int) -> tuple[int, Tensor]:
    """Return the first of ``length`` pixels covered by a view, and the weights (size, n) of n pixels."""
    step = (high - low) * length / (size * samples)
    position = low * length - 0.5 + step * (torch.arange(size * samples, dtype=torch.float32) + 0.5)
    first = min(length, max(0, math.floor(position[0])))
    end = max(first, min(length, math.floor(position[-1]) + 2))
    weights = (1 - (position[:, None] - torch.arange(first, end)).abs()).clamp_min(0)
    return first, weights.reshape(size, samples, end - first).mean(1)


def paste_masks(logits: Tensor, views: Tensor, height: int, width: int) -> Tensor:
    """Paste the logits of views into the image; outside its view a mask has logit ``-MAX_LOGIT``.

    Args:
        logits: (N, s, s).
        views: (N, 4) xyxy as shares of the image.
        height: height of the result.
        width: width of the result.

    Returns:
        (N, height, width) float32.
    """
    canvas = torch.full((len(logits), height, width), -MAX_LOGIT)
    size = logits.shape[-1]
    for output, mask_logits, (x1, y1, x2, y2) in zip(canvas, logits, views.tolist(), strict=True):
        top, along = _pasting_weights(y1, y2, height, size)
        left, across = _pasting_weights(x1, x2, width, size)
        output[top : top + len(along), left : left + len(across)] = along @ mask_logits @ across.T
    return canvas


def _pasting_weights(low: float, high: float, length: int, size: int) -> tuple[int, Tensor]:
    """Return the first of ``length`` pixels whose centre is in a view, and the weights (n, size) of n pixels.

    The weights interpolate linearly if the view is enlarged, and average over a pixel's extent if it is
    shrunk.
    """
    first = min(length, max(0, math.ceil(low * length - 0.5)))
    end = max(first, min(length, math.floor(high * length - 0.5) + 1))
    step = size / ((high - low) * length)
    position = (torch.arange(first, end) + 0.5 - low * length) * step - 0.5
    position = position.clamp(0, size - 1)
    weights = (1 - (position[:, None] - torch.arange(size)).abs() / max(1.0, step)).clamp_min(0)
    return first, weights / weights.sum(1, keepdim=True)
