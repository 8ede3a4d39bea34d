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
from torch import Tensor

from seac.errors import InputError
from seac.segment.condinst import FINE_STRIDE, ProposalNet, draw
from seac.segment.nms import pairwise_iou, suppress
from seac.segment.proposals import Proposals
from seac.segment.resize import boxes_of, resize_image, seen, whole_frame

ASSET = "assets/proposals.safetensors"
MULTIPLE = 32
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
        logits: (N, h, w) float32 at half of the network's input.
        scores: (N,) float32 in [0, 1].
        taps: (C, h, w) float32 features of the backbone, finest first.
    """

    logits: Tensor
    scores: Tensor
    taps: tuple[Tensor, ...]


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
    return network.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)


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
        masks = at_size(drawn.logits, height, width)
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
        fine = draw(
            self._network.fine(cells)[0],
            cells.kernels[0, cell],
            cells.centres[cell],
            cells.strides[cell],
            FINE_STRIDE,
        ).cpu()
        return Drawn(fine, scores[kept], tuple(tap[0].cpu() for tap in cells.taps))


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


def at_size(logits: Tensor, height: int, width: int) -> Tensor:
    """Mask logits (N, h, w) as masks (N, height, width) bool, one at a time to spare memory."""
    masks = torch.empty(len(logits), height, width, dtype=torch.bool)
    for row, logit in zip(masks, logits, strict=True):
        larger = F.interpolate(logit[None, None], (height, width), mode="bilinear", align_corners=False)
        row.copy_(larger[0, 0] > 0)
    return masks
