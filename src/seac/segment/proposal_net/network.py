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
from seac.encoders.fuse_bn import fuse_bn
from seac.segment.ops import boxes_of, nms, nonempty, pairwise_iou, resize_image, whole_frame, working_size
from seac.segment.proposal_net.model import FINE_STRIDE, MASK_STRIDE, Locations, ProposalNet, decode_masks
from seac.segment.proposal_net.refinement_head import MARGIN, VIEW, expand_boxes, paste_masks, roi_align_views

ASSET = "assets/proposal_net.safetensors"
MULTIPLE = 32
FRAME_SIDE = 448  # outlines are looked for in a frame of at most this many pixels
AT_ONCE = 5  # views that are outlined together: what they need still fits a core's cache
LOGIT_OFFSET = 0.3  # added to logits: what is nearly as likely in as out costs less IoU in than out
SHAPE_POWER = 0.5  # how much the certainty of the outline counts against the predicted quality


@dataclass(frozen=True)
class NetworkSettings:
    """Settings of the network segmenter.

    Attributes:
        max_masks: masks per frame.
        long_side: pixels of the longer side of the network's input.
        locations: best cells whose masks are drawn.
        overlap: greatest IoU of two proposals.
        min_score: proposals below are dropped.
        weights: another ``proposal_net.safetensors``; None for the one that comes with the package.
        device: where the network runs.
    """

    max_masks: int = 50
    long_side: int = 288
    max_locations: int = 150
    overlap: float = 0.7
    min_score: float = 0.0
    weights: str | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class DecodedMasks:
    """Masks before they are brought to the frame's size, best first.

    Attributes:
        logits: (N, VIEW, VIEW) float32, each in a view of its own.
        views: (N, 4) float32 xyxy, where it is, as shares of the picture.
        scores: (N,) float32 in [0, 1].
        feature_levels: (C, h, w) float32 features of the backbone, finest first.
    """

    logits: Tensor
    views: Tensor
    scores: Tensor
    feature_levels: tuple[Tensor, ...]

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
            logits = paste_masks(self.logits[index, None], self.views[index, None], height, width)
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
    return f"proposal-net sha256:{hashlib.sha256(weights_path(weights).read_bytes()).hexdigest()[:12]}"


def decoding_digest(settings: NetworkSettings) -> str:
    """What decides which masks are drawn, and how, beside the weights, in eight digits."""
    return digits(replace(settings, weights=None, device=""), LOGIT_OFFSET, MARGIN, SHAPE_POWER, FRAME_SIDE)


def digits(*values: object) -> str:
    """Eight digits that change with any of what is given."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:8]


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
    fuse_bn(network)
    return network.to(device).to(memory_format=torch.channels_last)


def stored_weights(path: Path) -> dict[str, Tensor]:
    """Weights as they are stored, in half precision, brought to single."""
    return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}


class Network:
    """Class-agnostic instance masks in one forward pass; a :class:`~seac.segment.base.Segmenter`."""

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        self.settings = settings or NetworkSettings()
        self._network = load(self.settings.weights, self.settings.device)
        self.version = f"{version(self.settings.weights)}, decoded {decoding_digest(self.settings)}"

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; a frame in which nothing is found is one mask."""
        height, width = image.shape[-2:]
        decoded = self.decode(image)
        masks = decoded.masks(height, width)
        present = nonempty(masks)
        if not present.any():
            return whole_frame(height, width)
        return Proposals(masks[present], boxes_of(masks[present]), decoded.scores[present])

    @torch.inference_mode()
    def decode(self, image: Tensor) -> DecodedMasks:
        """Masks of ``image``, (3, H, W) uint8, after NMS, best first, on the CPU."""
        s = self.settings
        height, width = image.shape[-2:]
        pixels = normalise_pixels(resize_image(image, *input_size(height, width, s.long_side)))
        locations = self._network(pixels[None].to(s.device, memory_format=torch.channels_last))
        kept, scores = best_locations(locations, s)
        fine_features = self._network.fine_features(locations)
        coarse = decode_locations(
            locations, kept, fine_features[0], FINE_STRIDE
        )  # only what stays is worth drawing finely
        present = nonempty(coarse > 0)
        coarse = coarse[present]
        views = views_of(coarse)
        frame = normalise_pixels(resize_image(image, *working_size(height, width, FRAME_SIDE)))[None].to(
            s.device
        )
        refined_logits = [coarse.new_zeros(0, VIEW, VIEW)]  # of nothing there is nothing to outline
        for first in range(0, len(coarse), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            inputs = refinement_inputs(frame, coarse[some], fine_features, locations.context, views[some])
            refined_logits.append(self._network.refine(*inputs))
        return DecodedMasks(
            torch.cat(refined_logits).add_(LOGIT_OFFSET).cpu(),
            views.cpu(),
            scores[present.cpu()],
            tuple(level[0].cpu() for level in locations.feature_levels),
        )


def normalise_pixels(pixels: Tensor) -> Tensor:
    """Pixels of 0 to 255 as the network wants them."""
    return (pixels - 127) / 128


def best_locations(locations: Locations, settings: NetworkSettings) -> tuple[Tensor, Tensor]:
    """Cells of the first picture whose masks are kept, best first: (n,) int64; their scores, on the CPU."""
    best = locations.logits[0].topk(min(settings.max_locations, locations.logits.shape[1])).indices
    logits = decode_locations(locations, best, locations.features[0]).cpu()
    scores = mask_scores(logits, locations.logits[0, best].sigmoid().cpu())
    order = torch.argsort(scores, descending=True, stable=True)
    order = order[(logits[order].amax((1, 2)) > 0) & (scores[order] >= settings.min_score)]
    kept = order[nms(pairwise_iou(logits[order].flatten(1) > 0), settings.overlap, settings.max_masks)]
    return best[kept.to(best.device)], scores[kept]


def decode_locations(
    locations: Locations, which: Tensor, features: Tensor, stride: int = MASK_STRIDE
) -> Tensor:
    """Logits (n, h, w) of cells ``which`` (n,) of the first picture, drawn from features (C, h, w)."""
    return decode_masks(
        features, locations.kernels[0, which], locations.centres[which], locations.strides[which], stride
    )


def views_of(coarse: Tensor, margin: float = MARGIN) -> Tensor:
    """Views around masks (N, h, w) of logits: (N, 4) xyxy as shares of the picture."""
    height, width = coarse.shape[-2:]
    shares = coarse.new_tensor([width, height, width, height])
    return expand_boxes(boxes_of(coarse > 0).to(coarse.device) / shares, margin)


def refinement_inputs(
    frame: Tensor, coarse: Tensor, fine_features: Tensor, context: Tensor, views: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What :class:`~seac.segment.proposal_net.refinement_head.RefinementHead` is given of each view (N, 4).

    Args:
        frame: (1, 3, H, W) normalised.
        coarse: (N, h, w) logits of the masks.
        fine_features: (1, C, h, w) mask features.
        context: (1, D, h', w') of the pyramid.
        views: (N, 4) xyxy as shares of the picture.
    """
    each = torch.arange(len(views), device=views.device)
    same = torch.zeros_like(each)
    return (
        roi_align_views(frame, same, views, VIEW, 2),
        roi_align_views(coarse[:, None], each, views, VIEW // 2, 2),
        roi_align_views(fine_features, same, views, VIEW // 2, 2),
        roi_align_views(context, same, views, VIEW // 4, 2),
    )


def mask_scores(logits: Tensor, quality: Tensor) -> Tensor:
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
