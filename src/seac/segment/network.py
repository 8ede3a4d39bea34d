"""The proposal network as a Segmenter: weights, input size, choice of cells, masks at full size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from seac.errors import InputError
from seac.segment.condinst import FINE_STRIDE, ProposalNet, draw
from seac.segment.nms import pairwise_iou, suppress
from seac.segment.outline import VIEW, laid, looked_at, surroundings
from seac.segment.proposals import Proposals
from seac.segment.resize import boxes_of, resize_image, seen, whole_frame, working_size

ASSET = "assets/proposals.safetensors"
MULTIPLE = 32
FRAME_SIDE = 448  # outlines are looked for in a frame of at most this many pixels
SHAPE_POWER = 0.5  # how much the certainty of the outline counts against the predicted quality


@dataclass(frozen=True)
class NetworkSettings:
    """Settings of the network segmenter.

    Attributes:
        most: masks per frame.
        long_side: pixels of the longer side of the network's input.
        cells: best cells whose masks are drawn.
        overlap: greatest IoU of two proposals.
        least_score: proposals below are dropped.
        weights: another ``proposals.safetensors``; None for the one that comes with the package.
        device: where the network runs.
    """

    most: int = 50
    long_side: int = 288
    cells: int = 150
    overlap: float = 0.7
    least_score: float = 0.0
    weights: str | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Drawn:
    """Masks before they are brought to the frame's size, best first.

    Attributes:
        logits: (N, VIEW, VIEW) float32, each in a view of its own.
        views: (N, 4) float32 xyxy, where it is, as shares of the picture.
        scores: (N,) float32 in [0, 1].
        taps: (C, h, w) float32 features of the backbone, finest first.
    """

    logits: Tensor
    views: Tensor
    scores: Tensor
    taps: tuple[Tensor, ...]

    def masks(self, height: int, width: int, shift: Tensor | None = None) -> Tensor:
        """Masks at a size, made one at a time to spare memory.

        Args:
            height: of the masks.
            width: of the masks.
            shift: (N, h, w) float32 at any size, what to add to their logits.

        Returns:
            (N, height, width) bool.
        """
        masks = torch.empty(len(self.logits), height, width, dtype=torch.bool)
        for index, mask in enumerate(masks):
            logits = laid(self.logits[index, None], self.views[index, None], height, width)
            if shift is not None:
                logits += F.interpolate(
                    shift[index, None, None], (height, width), mode="bilinear", align_corners=False
                )[0]
            torch.gt(logits[0], 0, out=mask)
        return masks


def weights_path(weights: str | None = None) -> Path:
    """The file of weights: the one that comes with the package unless another is named.

    Raises:
        InputError: there is no such file.
    """
    path = Path(weights) if weights else Path(str(files("seac").joinpath(ASSET)))
    if not path.is_file():
        raise InputError(f"no proposal weights at {path}: make them with python -m training.proposals")
    return path


@lru_cache(maxsize=2)
def version(weights: str | None = None) -> str:
    """Which weights these are, for the record of what made a feature."""
    return f"proposals sha256:{hashlib.sha256(weights_path(weights).read_bytes()).hexdigest()[:12]}"


@lru_cache(maxsize=2)
def load(weights: str | None = None, device: str = "cpu") -> ProposalNet:
    """The network with its weights, ready to run.

    Raises:
        InputError: there is no such file.
    """
    path = weights_path(weights)
    network = ProposalNet()
    state = {
        name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()
    }
    network.load_state_dict(state)
    network.eval().requires_grad_(False)
    fold(network)
    return network.to(device).to(memory_format=torch.channels_last)


def fold(module: nn.Module) -> None:
    """Put every batch norm of ``module`` that follows a convolution into it; the answers stay."""
    for part in module.modules():
        if not isinstance(part, nn.Sequential):
            continue
        for index in range(1, len(part)):
            before, norm = part[index - 1], part[index]
            if isinstance(before, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                part[index - 1], part[index] = fuse_conv_bn_eval(before, norm), nn.Identity()


class Network:
    """Class-agnostic instance masks in one forward pass; a :class:`~seac.segment.proposals.Segmenter`."""

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        self.settings = settings or NetworkSettings()
        self._network = load(self.settings.weights, self.settings.device)
        self.version = version(self.settings.weights)

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; a frame in which nothing is found is one mask."""
        height, width = image.shape[-2:]
        drawn = self.drawn(image)
        masks = drawn.masks(height, width)
        there = seen(masks)
        if not there.any():
            return whole_frame(height, width)
        return Proposals(masks[there], boxes_of(masks[there]), drawn.scores[there])

    @torch.inference_mode()
    def drawn(self, image: Tensor) -> Drawn:
        """Mask logits at half of the network's input, after NMS, best first, on the CPU."""
        s = self.settings
        height, width = image.shape[-2:]
        pixels = (resize_image(image, *input_size(height, width, s.long_side)) - 127) / 128
        batch = pixels[None].to(s.device, memory_format=torch.channels_last)
        cells = self._network(batch)
        best = cells.logits[0].topk(min(s.cells, cells.logits.shape[1])).indices
        logits = draw(
            cells.features[0], cells.kernels[0, best], cells.centres[best], cells.strides[best]
        ).cpu()
        scores = graded(logits, cells.logits[0, best].sigmoid().cpu())
        order = torch.argsort(scores, descending=True, stable=True)
        order = order[(logits[order].amax((1, 2)) > 0) & (scores[order] >= s.least_score)]
        kept = order[suppress(pairwise_iou(logits[order].flatten(1) > 0), s.overlap, s.most)]
        cell = best[kept.to(best.device)]  # only what stays is worth drawing finely
        fine = self._network.fine(cells)
        coarse = draw(fine[0], cells.kernels[0, cell], cells.centres[cell], cells.strides[cell], FINE_STRIDE)
        there = seen(coarse > 0)
        logits, views = self._outlined(image, fine, cells.context, coarse[there])
        return Drawn(
            logits.cpu(), views.cpu(), scores[kept][there.cpu()], tuple(t[0].cpu() for t in cells.taps)
        )

    def _outlined(
        self, image: Tensor, fine: Tensor, context: Tensor, coarse: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Masks (N, h, w) drawn anew, (N, VIEW, VIEW) logits, and their views."""
        if len(coarse) == 0:
            return coarse.new_zeros(0, VIEW, VIEW), coarse.new_zeros(0, 4)
        height, width = coarse.shape[-2:]
        boxes = boxes_of(coarse > 0) / torch.tensor([width, height, width, height])
        views = surroundings(boxes).to(coarse.device)
        frame = resize_image(image, *working_size(image.shape[-2], image.shape[-1], FRAME_SIDE))
        each = torch.arange(len(views), device=views.device)
        same = torch.zeros_like(each)
        logits = self._network.outline(
            looked_at(((frame - 127) / 128)[None].to(views.device), same, views, VIEW, 2),
            looked_at(coarse[:, None], each, views, VIEW // 2, 2),
            looked_at(fine, same, views, VIEW // 2, 2),
            looked_at(context, same, views, VIEW // 4, 2),
        )
        return logits, views


def graded(logits: Tensor, quality: Tensor) -> Tensor:
    """Predicted quality (K,), lowered where the outline of the mask (K, h, w) is unsure."""
    inside = (logits > 0).float()
    sure = (logits.sigmoid() * inside).sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)
    return quality * sure**SHAPE_POWER


def input_size(height: int, width: int, long_side: int) -> tuple[int, int]:
    """(height, width) of the network's input: the longer side ``long_side``, both multiples of 32."""
    scale = long_side / max(height, width)
    return (
        max(MULTIPLE, round(height * scale / MULTIPLE) * MULTIPLE),
        max(MULTIPLE, round(width * scale / MULTIPLE) * MULTIPLE),
    )
