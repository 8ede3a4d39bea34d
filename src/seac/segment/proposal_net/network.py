"""The proposal network as a Segmenter: weights, input size, selection of locations, full-size masks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import torch
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
FRAME_SIDE = 448  # maximum side in pixels of the frame from which views are refined
VIEW_BATCH = 5  # views refined per pass; their activations still fit in the cache of a core
LOGIT_OFFSET = 0.3  # added to logits: an uncertain pixel costs less IoU inside the mask than outside
SHAPE_POWER = 0.5  # exponent of the mask's mean probability in its score


@dataclass(frozen=True)
class NetworkSettings:
    """Settings of the network segmenter.

    Attributes:
        max_masks: masks per frame.
        long_side: pixels of the longer side of the network's input.
        max_locations: maximum number of locations whose masks are decoded.
        overlap: maximum IoU of two proposals.
        min_score: proposals with a lower score are dropped.
        weights: path of another ``proposal_net.safetensors``; None uses the shipped one.
        device: device of the network.
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
    """Masks in their views, before pasting at the frame's size, best first.

    Attributes:
        logits: (N, VIEW, VIEW) float32, each in its own view.
        views: (N, 4) float32 xyxy of the views, as shares of the image.
        scores: (N,) float32 in [0, 1].
    """

    logits: Tensor
    views: Tensor
    scores: Tensor

    def masks(self, height: int, width: int) -> Tensor:
        """Return masks (N, height, width) bool at a given size, pasted one at a time to bound memory."""
        masks = torch.empty(len(self.logits), height, width, dtype=torch.bool)
        for logits, view, mask in zip(self.logits, self.views, masks, strict=True):
            torch.gt(paste_masks(logits[None], view[None], height, width)[0], 0, out=mask)
        return masks


def weights_path(weights: str | None = None) -> Path:
    """Return the path of the weights; the shipped file if ``weights`` is None.

    Raises:
        InputError: the file does not exist.
    """
    path = Path(weights) if weights else Path(str(files("seac").joinpath(ASSET)))
    if not path.is_file():
        raise InputError(f"no proposal weights at {path}: train them with python -m recipes.proposal_net")
    return path


@lru_cache(maxsize=2)
def version(weights: str | None = None) -> str:
    """Return the identifier of the weights for the provenance of features."""
    return f"proposal-net sha256:{hashlib.sha256(weights_path(weights).read_bytes()).hexdigest()[:12]}"


def decoding_digest(settings: NetworkSettings) -> str:
    """Return eight digits that identify the settings and constants of mask decoding."""
    return digits(replace(settings, weights=None, device=""), LOGIT_OFFSET, MARGIN, SHAPE_POWER, FRAME_SIDE)


def digits(*values: object) -> str:
    """Return eight hexadecimal digits of the SHA-256 of the values' representation."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:8]


@lru_cache(maxsize=2)
def load(weights: str | None = None, device: str = "cpu") -> ProposalNet:
    """Load the network with fused batch norms, in evaluation mode.

    Raises:
        InputError: the file of weights does not exist.
    """
    path = weights_path(weights)
    network = ProposalNet()
    network.load_state_dict(stored_weights(path))
    network.eval().requires_grad_(False)
    fuse_bn(network)
    return network.to(device).to(memory_format=torch.channels_last)


def stored_weights(path: Path) -> dict[str, Tensor]:
    """Load weights stored in half precision and convert them to float32."""
    return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}


class Network:
    """Class-agnostic instance masks in one forward pass; a :class:`~seac.segment.base.Segmenter`."""

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        self.settings = settings or NetworkSettings()
        self._network = load(self.settings.weights, self.settings.device)
        self.version = f"{version(self.settings.weights)}, decoded {decoding_digest(self.settings)}"

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; without proposals, one mask covers the frame."""
        height, width = image.shape[-2:]
        decoded = self.decode(image)
        masks = decoded.masks(height, width)
        present = nonempty(masks)
        if not present.any():
            return whole_frame(height, width)
        return Proposals(masks[present], boxes_of(masks[present]), decoded.scores[present])

    @torch.inference_mode()
    def decode(self, image: Tensor, max_masks: int | None = None) -> DecodedMasks:
        """Return the masks of ``image``, (3, H, W) uint8, after NMS, best first, on the CPU.

        Args:
            image: (3, H, W) uint8.
            max_masks: maximum number of masks, in place of that of the settings.
        """
        s = self.settings if max_masks is None else replace(self.settings, max_masks=max_masks)
        height, width = image.shape[-2:]
        pixels = normalise_pixels(resize_image(image, *input_size(height, width, s.long_side)))
        locations = self._network(pixels[None].to(s.device, memory_format=torch.channels_last))
        keep, scores = best_locations(locations, s)
        fine_features = self._network.fine_features(locations)
        # Only the masks that survive NMS are decoded at the fine stride.
        coarse = decode_locations(locations, keep, fine_features[0], FINE_STRIDE)
        present = nonempty(coarse > 0)
        coarse = coarse[present]
        views = views_of(coarse)
        frame = normalise_pixels(resize_image(image, *working_size(height, width, FRAME_SIDE)))[None].to(
            s.device
        )
        refined_logits = [coarse.new_zeros(0, VIEW, VIEW)]  # of nothing there is nothing to outline
        for first in range(0, len(coarse), VIEW_BATCH):
            some = slice(first, first + VIEW_BATCH)
            inputs = refinement_inputs(frame, coarse[some], fine_features, locations.context, views[some])
            refined_logits.append(self._network.refine(*inputs))
        return DecodedMasks(
            torch.cat(refined_logits).add_(LOGIT_OFFSET).cpu(),
            views.cpu(),
            scores[present.cpu()],
        )


def normalise_pixels(pixels: Tensor) -> Tensor:
    """Pixels of 0 to 255 as the network wants them."""
    return (pixels - 127) / 128


def best_locations(locations: Locations, settings: NetworkSettings) -> tuple[Tensor, Tensor]:
    """Return the first image's locations whose masks survive NMS, best first: (n,) int64, and scores (n,)."""
    best = locations.logits[0].topk(min(settings.max_locations, locations.logits.shape[1])).indices
    logits = decode_locations(locations, best, locations.features[0]).cpu()
    scores = mask_scores(logits, locations.logits[0, best].sigmoid().cpu())
    order = torch.argsort(scores, descending=True, stable=True)
    order = order[(logits[order].amax((1, 2)) > 0) & (scores[order] >= settings.min_score)]
    keep = order[nms(pairwise_iou(logits[order].flatten(1) > 0), settings.overlap, settings.max_masks)]
    return best[keep.to(best.device)], scores[keep]


def decode_locations(
    locations: Locations, which: Tensor, features: Tensor, stride: int = MASK_STRIDE
) -> Tensor:
    """Return mask logits (n, h, w) of the first image's locations ``which`` (n,), from features (C, h, w)."""
    return decode_masks(
        features, locations.kernels[0, which], locations.centres[which], locations.strides[which], stride
    )


def views_of(coarse: Tensor, margin: float = MARGIN) -> Tensor:
    """Return the views (N, 4) xyxy, as shares of the image, around masks with logits (N, h, w)."""
    height, width = coarse.shape[-2:]
    shares = coarse.new_tensor([width, height, width, height])
    return expand_boxes(boxes_of(coarse > 0).to(coarse.device) / shares, margin)


def refinement_inputs(
    frame: Tensor, coarse: Tensor, fine_features: Tensor, context: Tensor, views: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the inputs of :class:`~seac.segment.proposal_net.refinement_head.RefinementHead` for each view.

    Args:
        frame: (1, 3, H, W) normalised.
        coarse: (N, h, w) logits of the masks.
        fine_features: (1, C, h, w) mask features.
        context: (1, D, h', w') finest level of the pyramid.
        views: (N, 4) xyxy as shares of the image.
    """
    index = torch.arange(len(views), device=views.device)
    zeros = torch.zeros_like(index)
    return (
        roi_align_views(frame, zeros, views, VIEW, 2),
        roi_align_views(coarse[:, None], index, views, VIEW // 2, 2),
        roi_align_views(fine_features, zeros, views, VIEW // 2, 2),
        roi_align_views(context, zeros, views, VIEW // 4, 2),
    )


def mask_scores(logits: Tensor, quality: Tensor) -> Tensor:
    """Return quality (K,) times the mean probability inside the mask (K, h, w) to the ``SHAPE_POWER``."""
    inside = (logits > 0).float()
    certainty = (logits.sigmoid() * inside).sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)
    return quality * certainty**SHAPE_POWER


def input_size(height: int, width: int, long_side: int) -> tuple[int, int]:
    """Return (height, width) of the network's input: longer side ``long_side``, both multiples of 32."""
    scale = long_side / max(height, width)
    return (
        max(MULTIPLE, round(height * scale / MULTIPLE) * MULTIPLE),
        max(MULTIPLE, round(width * scale / MULTIPLE) * MULTIPLE),
    )
