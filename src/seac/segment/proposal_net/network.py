"""The proposal network as a Segmenter: weights, input size, choice of cells, masks at full size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from seac.core.errors import InputError
from seac.core.types import Proposals
from seac.encoders.fuse_bn import fold
from seac.segment.ops import boxes_of, pairwise_iou, resize_image, seen, suppress, whole_frame, working_size
from seac.segment.proposal_net.model import FINE_STRIDE, MASK_STRIDE, Cells, ProposalNet, draw
from seac.segment.proposal_net.refinement_head import MARGIN, VIEW, laid, looked_at, surroundings

ASSET = "assets/proposal_net.safetensors"
MULTIPLE = 32
FRAME_SIDE = 448  # outlines are looked for in a frame of at most this many pixels
AT_ONCE = 5  # views that are outlined together: what they need still fits a core's cache
LEAN = 0.3  # added to logits: what is nearly as likely in as out costs less IoU in than out
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
        weights: another ``proposal_net.safetensors``; None for the one that comes with the package.
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

    def masks(
        self, height: int, width: int, shift: Tensor | None = None, which: Tensor | None = None
    ) -> Tensor:
        """Masks at a size, made one at a time to spare memory.

        Args:
            height: of the masks.
            width: of the masks.
            shift: (N, h, w) float32 at any size, what to add to their logits.
            which: (n,) int64 of them; None for all.

        Returns:
            (n, height, width) bool.
        """
        rows = range(len(self.logits)) if which is None else which.tolist()
        masks = torch.empty(len(rows), height, width, dtype=torch.bool)
        for index, mask in zip(rows, masks, strict=True):
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
        raise InputError(f"no proposal weights at {path}: make them with python -m recipes.proposal_net")
    return path


@lru_cache(maxsize=2)
def version(weights: str | None = None) -> str:
    """Which weights these are, for the record of what made a feature."""
    return f"proposals sha256:{hashlib.sha256(weights_path(weights).read_bytes()).hexdigest()[:12]}"


def drawing_of(settings: NetworkSettings) -> str:
    """What decides which masks are drawn, and how, beside the weights, in eight digits."""
    return digits(replace(settings, weights=None, device=""), LEAN, MARGIN, SHAPE_POWER, FRAME_SIDE)


def digits(*decided: object) -> str:
    """Eight digits that change with any of what is given."""
    return hashlib.sha256(repr(decided).encode()).hexdigest()[:8]


@lru_cache(maxsize=2)
def load(weights: str | None = None, device: str = "cpu") -> ProposalNet:
    """The network with its weights, ready to run.

    Raises:
        InputError: there is no such file.
    """
    path = weights_path(weights)
    network = ProposalNet()
    network.load_state_dict(stored_weights(path))
    network.eval().requires_grad_(False)
    fold(network)
    return network.to(device).to(memory_format=torch.channels_last)


def stored_weights(path: Path) -> dict[str, Tensor]:
    """Weights as they are stored, in half precision, brought to single."""
    return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}


class Network:
    """Class-agnostic instance masks in one forward pass; a :class:`~seac.segment.base.Segmenter`."""

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        self.settings = settings or NetworkSettings()
        self._network = load(self.settings.weights, self.settings.device)
        self.version = f"{version(self.settings.weights)}, drawn {drawing_of(self.settings)}"

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
        """Masks of ``image``, (3, H, W) uint8, after NMS, best first, on the CPU."""
        s = self.settings
        height, width = image.shape[-2:]
        pixels = normalised(resize_image(image, *input_size(height, width, s.long_side)))
        cells = self._network(pixels[None].to(s.device, memory_format=torch.channels_last))
        kept, scores = best_cells(cells, s)
        fine = self._network.fine(cells)
        coarse = drawn_of(cells, kept, fine[0], FINE_STRIDE)  # only what stays is worth drawing finely
        there = seen(coarse > 0)
        coarse = coarse[there]
        views = views_of(coarse)
        frame = normalised(resize_image(image, *working_size(height, width, FRAME_SIDE)))[None].to(s.device)
        outlined = [coarse.new_zeros(0, VIEW, VIEW)]  # of nothing there is nothing to outline
        for first in range(0, len(coarse), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            shown = views_shown(frame, coarse[some], fine, cells.context, views[some])
            outlined.append(self._network.outline(*shown))
        return Drawn(
            torch.cat(outlined).add_(LEAN).cpu(),
            views.cpu(),
            scores[there.cpu()],
            tuple(tap[0].cpu() for tap in cells.taps),
        )


def normalised(pixels: Tensor) -> Tensor:
    """Pixels of 0 to 255 as the network wants them."""
    return (pixels - 127) / 128


def best_cells(cells: Cells, settings: NetworkSettings) -> tuple[Tensor, Tensor]:
    """Cells of the first picture whose masks are kept, best first: (n,) int64; their scores, on the CPU."""
    best = cells.logits[0].topk(min(settings.cells, cells.logits.shape[1])).indices
    logits = drawn_of(cells, best, cells.features[0]).cpu()
    scores = graded(logits, cells.logits[0, best].sigmoid().cpu())
    order = torch.argsort(scores, descending=True, stable=True)
    order = order[(logits[order].amax((1, 2)) > 0) & (scores[order] >= settings.least_score)]
    kept = order[suppress(pairwise_iou(logits[order].flatten(1) > 0), settings.overlap, settings.most)]
    return best[kept.to(best.device)], scores[kept]


def drawn_of(cells: Cells, which: Tensor, features: Tensor, stride: int = MASK_STRIDE) -> Tensor:
    """Logits (n, h, w) of cells ``which`` (n,) of the first picture, drawn from features (C, h, w)."""
    return draw(features, cells.kernels[0, which], cells.centres[which], cells.strides[which], stride)


def views_of(coarse: Tensor, margin: float = MARGIN) -> Tensor:
    """Views around masks (N, h, w) of logits: (N, 4) xyxy as shares of the picture."""
    height, width = coarse.shape[-2:]
    shares = coarse.new_tensor([width, height, width, height])
    return surroundings(boxes_of(coarse > 0).to(coarse.device) / shares, margin)


def views_shown(
    frame: Tensor, coarse: Tensor, fine: Tensor, context: Tensor, views: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What :class:`~seac.segment.proposal_net.refinement_head.OutlineNet` is given of each view (N, 4).

    Args:
        frame: (1, 3, H, W) normalised.
        coarse: (N, h, w) logits of the masks.
        fine: (1, C, h, w) mask features.
        context: (1, D, h', w') of the pyramid.
        views: (N, 4) xyxy as shares of the picture.
    """
    each = torch.arange(len(views), device=views.device)
    same = torch.zeros_like(each)
    return (
        looked_at(frame, same, views, VIEW, 2),
        looked_at(coarse[:, None], each, views, VIEW // 2, 2),
        looked_at(fine, same, views, VIEW // 2, 2),
        looked_at(context, same, views, VIEW // 4, 2),
    )


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
