"""Proposal segmenter: things from the network, stuff from superpixels, soft NMS and edge refinement.

The network is trained on things only, so stuff such as sky, road and meadow comes from the region hierarchy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import Proposals
from seac.segment.baselines.superpixel import DEEP_TREES, Classic, ClassicSettings, Regions
from seac.segment.ops import (
    boxes_of,
    enlarge,
    nms,
    nonempty,
    pairwise_iou,
    resize_image,
    soft_nms,
    whole_frame,
)
from seac.segment.proposal_net.edge_refinement import refine_edges, refine_masks
from seac.segment.proposal_net.network import Network, NetworkSettings, digits
from seac.segment.proposal_net.refinement_head import paste_masks
from seac.segment.proposal_net.region_score import STUFF_WEIGHTS


@dataclass(frozen=True)
class ProposalSegmenterSettings:
    """Settings of the proposal segmenter.

    Attributes:
        max_masks: default number of masks per frame.
        things: maximum number of network proposals among them.
        min_score: minimum score of a network proposal.
        max_locations: maximum number of locations whose masks are decoded.
        overlap: maximum IoU of a region and any other proposal.
        decay: decay of a region's score with its IoU with selected masks, see :func:`soft_nms`.
        discount: factor on the scores of regions, so that things rank first.
        colour: weight of the colour evidence in the logits of things; 0 disables it.
        superpixel_weight: weight of the superpixel's mean probability in the probability of a thing's pixel.
        region_colour: same as ``colour``, for regions; 0 keeps the superpixel boundaries.
        regions: number of candidate regions, the best by their own score.
        network_overlap: maximum IoU of two coarse masks of the network.
        dedup_iou: maximum IoU of two things after refinement, which can make different coarse masks equal.
        long_side: pixels of the longer side of the network's input.
        weights: path of another ``proposal_net.safetensors``; None uses the shipped one.
        device: device of the network.
    """

    max_masks: int = 50
    things: int = 16
    min_score: float = 0.15
    max_locations: int = 80
    overlap: float = 0.7
    decay: float = 0.5
    discount: float = 0.5
    colour: float = 0.3
    superpixel_weight: float = 0.25
    region_colour: float = 1.0
    regions: int = 400
    network_overlap: float = 0.7
    dedup_iou: float = 0.9
    long_side: int = 288
    weights: str | None = None
    device: str = "cpu"

    @property
    def network(self) -> NetworkSettings:
        """Settings of the network."""
        return NetworkSettings(
            max_masks=min(self.things, self.max_masks),
            long_side=self.long_side,
            max_locations=self.max_locations,
            overlap=self.network_overlap,
            min_score=self.min_score,
            weights=self.weights,
            device=self.device,
        )


class ProposalSegmenter:
    """Network masks and the best regions that they do not cover; a :class:`~seac.segment.base.Segmenter`."""

    def __init__(self, settings: ProposalSegmenterSettings | None = None) -> None:
        s = self.settings = settings or ProposalSegmenterSettings()
        self._network = Network(s.network)
        self.version = f"proposal segmenter, {self._network.version}, order {settings_digest(s)}"
        self._classic = Classic(ClassicSettings(saliency=False, stuff=True, trees=DEEP_TREES))

    @classmethod
    def from_context(cls, context: PartContext) -> ProposalSegmenter:
        """The row of a table; on the CPU whatever the device, as most of it is no network."""
        return cls()

    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; without proposals, one mask covers the frame."""
        return self.best(image, self.settings.max_masks)

    def best(self, image: Tensor, max_masks: int) -> Proposals:
        """Return the best ``max_masks`` proposals for ``image``, (3, H, W) uint8; others are not decoded."""
        height, width = image.shape[-2:]
        s = self.settings
        things = self._network.decode(image)
        regions = self._classic.regions(image, things.feature_levels)
        small = paste_masks(things.logits, things.views, *regions.labels.shape)
        small_image = resize_image(image, *regions.labels.shape)
        refined = refine_masks(
            small, small_image, regions.labels, regions.area, s.colour, s.superpixel_weight
        )
        inside = refined > 0
        keep = nms(pairwise_iou(inside.flatten(1)), s.dedup_iou)  # refinement can make two masks equal
        region_index, region_scores = complement(
            inside[keep], regions, replace(s, max_masks=max(s.max_masks, max_masks))
        )
        scores = torch.cat([things.scores[keep], region_scores * s.discount])
        order = torch.argsort(scores, descending=True, stable=True)[:max_masks]
        is_thing, scores = order < len(keep), scores[order]
        masks = torch.empty(len(order), height, width, dtype=torch.bool)
        masks[is_thing] = things.masks(height, width, refined - small, keep[order[is_thing]])
        region_masks = regions.masks(region_index[order[~is_thing] - len(keep)])
        refined_regions = (
            refine_edges(region_masks, small_image, s.region_colour) if s.region_colour else region_masks
        )
        masks[~is_thing] = enlarge(refined_regions, height, width)
        present = nonempty(masks)
        if not present.any():
            return whole_frame(height, width)
        return Proposals(masks[present], boxes_of(masks[present]), scores[present])


def settings_digest(settings: ProposalSegmenterSettings) -> str:
    """Return eight digits that identify the settings and constants of selection and ranking."""
    return digits(replace(settings, weights=None, device=""), DEEP_TREES, STUFF_WEIGHTS.tolist())


def complement(
    things: Tensor, regions: Regions, settings: ProposalSegmenterSettings
) -> tuple[Tensor, Tensor]:
    """Select regions that complement the things by soft NMS, best first, up to ``max_masks`` in total.

    Args:
        things: masks (N, h, w) bool at the size of the superpixels.
        regions: candidate regions.
        settings: ``max_masks``, ``regions``, ``overlap`` and ``decay`` are used.

    Returns:
        Indices (n,) int64 into ``regions``, and their decayed scores (n,) float32.
    """
    s, count = settings, len(things)
    overlap = overlaps(things, regions.labels, regions.area, regions.rows[: s.regions])
    prior_iou = overlap[:count].amax(0) if count else overlap.new_zeros(overlap.shape[1])
    return soft_nms(
        overlap[count:], regions.scores[: s.regions], prior_iou, s.decay, s.overlap, s.max_masks - count
    )


def overlaps(masks: Tensor, labels: Tensor, area: Tensor, rows: Tensor) -> Tensor:
    """Return the IoU of things and regions with each region.

    Args:
        masks: (N, h, w) bool of things.
        labels: (h, w) int64 superpixels.
        area: (R,) float32 pixels of each superpixel.
        rows: (K, R) bool, superpixels of each region.

    Returns:
        (N + K, K) float32 in [0, 1], the things first.
    """
    pixels = torch.zeros(len(masks), len(area))
    pixels.index_add_(1, labels.flatten(), masks.flatten(1).float())
    coverage = torch.cat([pixels / area, rows.float()])  # things cover superpixels partly, regions fully
    sizes = coverage @ area
    intersection = coverage @ (rows * area).T
    return intersection / (sizes[:, None] + sizes[None, len(masks) :] - intersection).clamp_min(1e-6)
