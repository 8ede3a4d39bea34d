"""Masks drawn once more, each in a picture of its own surroundings: outlines to the pixel.

After CascadePSP (Cheng et al., CVPR 2020): a small network sees what lies around a mask, enlarged, with the
coarse mask beside it, and draws the mask again. Here it also sees what the proposal network made of the
place, so that it need not find out anew what belongs together; one batch holds the masks of a frame.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seac.segment.proposal_net.layers import SeparableConv

VIEW = 128  # pixels of a view's side
MARGIN = 1.2  # side of a view in sides of the mask's box: what was missed lies outside it
MIN_ASPECT = 0.5  # least ratio of a view's sides
MAX_LOGIT = 6.0  # coarse logits count as at most this certain
WIDTHS = (24, 48, 96, 128)  # channels at 1/2, 1/4, 1/8 and 1/16 of a view


class Block(nn.Module):
    """Two separable convolutions around which what was there is kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # flat, as the weights were stored
        self.body = nn.Sequential(*SeparableConv(channels, channels), *SeparableConv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        y: Tensor = x + self.body(x)
        return y


class RefinementHead(nn.Module):
    """A U-Net over views of masks; half-size inside, full size where it is read and written.

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
        nn.init.zeros_(self.exit.weight)  # untrained, it changes nothing
        nn.init.zeros_(self.exit.bias)  # type: ignore[arg-type]  # a convolution with a bias has one

    def forward(self, colours: Tensor, coarse: Tensor, features: Tensor, context: Tensor) -> Tensor:
        """Logits of the masks in their views.

        Args:
            colours: (B, 3, VIEW, VIEW) normalised.
            coarse: (B, 1, VIEW / 2, VIEW / 2) logits of the masks as they were.
            features: (B, C, VIEW / 2, VIEW / 2).
            context: (B, D, VIEW / 4, VIEW / 4).

        Returns:
            (B, VIEW, VIEW) float32.
        """
        coarse = coarse.clamp(-MAX_LOGIT, MAX_LOGIT)
        x = self.entry(torch.cat([F.pixel_unshuffle(colours, 2), coarse.sigmoid() * 2 - 1, features], 1))
        kept = []
        for index, encode in enumerate(self.encode):
            x = x if index == 0 else self.down[index - 1](x)
            x = encode(x + self.context(context) if index == 1 else x)
            kept.append(x)
        for index in reversed(range(len(self.up))):
            larger = F.interpolate(self.up[index](x), kept[index].shape[-2:], mode="nearest")
            x = self.decode[index](kept[index] + larger)
        before = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        after: Tensor = before + F.pixel_shuffle(self.exit(x), 2)
        return after[:, 0]


def expand_boxes(boxes: Tensor, margin: float = MARGIN) -> Tensor:
    """Views around boxes (N, 4) xyxy, wider by ``margin`` and never slimmer than ``MIN_ASPECT``: (N, 4)."""
    centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    half = torch.maximum(side, MIN_ASPECT * side.amax(1, keepdim=True)) * margin / 2
    return torch.cat([centre - half, centre + half], 1)


def roi_align_views(maps: Tensor, which: Tensor, views: Tensor, size: int, samples: int) -> Tensor:
    """What views of pictures show, enlarged or shrunk to a square.

    Args:
        maps: (B, C, h, w).
        which: (N,) int64, the map that each view looks at.
        views: (N, 4) xyxy as shares of the picture; what lies outside is 0.
        size: side of the result.
        samples: points read along each side of a pixel of the result.

    Returns:
        (N, C, size, size).
    """
    # As torchvision's roi_align, whose import alone would take a quarter of the time to the first result.
    # Reading is linear along each axis, so two small products do it, over what the view covers and no more.
    height, width = maps.shape[-2:]
    outputs = maps.new_empty(len(views), maps.shape[1], size, size)
    for output, index, (x1, y1, x2, y2) in zip(outputs, which.tolist(), views.tolist(), strict=True):
        top, along = _reading(y1, y2, height, size, samples)
        left, across = _reading(x1, x2, width, size, samples)
        part = maps[index, :, top : top + along.shape[1], left : left + across.shape[1]].transpose(0, 1)
        rows = along.to(maps) @ part.flatten(1)  # channels beside columns: one product for all of them
        both = rows.reshape(size * len(output), across.shape[1]) @ across.T.to(maps)
        output.copy_(both.view(size, len(output), size).transpose(0, 1))
    return outputs


def _reading(low: float, high: float, length: int, size: int, samples: int) -> tuple[int, Tensor]:
    """The first of ``length`` pixels that a view sees, and how each of its ``size`` reads them: (size, n)."""
    step = (high - low) * length / (size * samples)
    where = low * length - 0.5 + step * (torch.arange(size * samples, dtype=torch.float32) + 0.5)
    first = min(length, max(0, math.floor(where[0])))
    end = max(first, min(length, math.floor(where[-1]) + 2))
    weights = (1 - (where[:, None] - torch.arange(first, end)).abs()).clamp_min(0)
    return first, weights.reshape(size, samples, end - first).mean(1)


def paste_masks(logits: Tensor, views: Tensor, height: int, width: int) -> Tensor:
    """Logits of views back in the picture; outside its view a mask is certainly not.

    Args:
        logits: (N, s, s).
        views: (N, 4) xyxy as shares of the picture.
        height: of the result.
        width: of the result.

    Returns:
        (N, height, width) float32.
    """
    canvas = torch.full((len(logits), height, width), -MAX_LOGIT)
    size = logits.shape[-1]
    for output, mask_logits, (x1, y1, x2, y2) in zip(canvas, logits, views.tolist(), strict=True):
        top, along = _weights(y1, y2, height, size)
        left, across = _weights(x1, x2, width, size)
        output[top : top + len(along), left : left + len(across)] = along @ mask_logits @ across.T
    return canvas


def _weights(low: float, high: float, length: int, size: int) -> tuple[int, Tensor]:
    """The first of ``length`` pixels whose centre lies in a view, and how each reads its ``size``: (n, size).

    Linear where the view is enlarged, a mean over what a pixel covers where it is shrunk.
    """
    first = min(length, max(0, math.ceil(low * length - 0.5)))
    end = max(first, min(length, math.floor(high * length - 0.5) + 1))
    step = size / ((high - low) * length)
    where = (torch.arange(first, end) + 0.5 - low * length) * step - 0.5
    where = where.clamp(0, size - 1)
    weights = (1 - (where[:, None] - torch.arange(size)).abs() / max(1.0, step)).clamp_min(0)
    return first, weights / weights.sum(1, keepdim=True)
