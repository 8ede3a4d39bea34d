"""Things from the network, stuff from superpixels; soft NMS; outlines drawn to where colours change.

The network learned from things alone, so sky, road and meadow come from the hierarchy.
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
    """Settings of network and superpixels together.

    Attributes:
        max_masks: masks per frame, unless more are asked for.
        things: of these, from the network at most.
        min_score: of a thing of the network; on a photograph of stuff it has fewer that are sure.
        max_locations: best cells of the network whose masks are drawn; few are kept.
        overlap: greatest IoU of a region and any other proposal.
        decay: how gently a region's score falls with its IoU with what is chosen, see :func:`soft_nms`.
        discount: factor on the scores of regions, so that things come first.
        colour: what a pixel of the colour of one side adds to the logit of a thing; 0 leaves outlines alone.
        superpixel_weight: share of its superpixel in the probability that a pixel is of a thing.
        region_colour: as ``colour``, for regions; 0 leaves their outlines those of superpixels.
        regions: regions that can be chosen, the best by their own score.
        network_overlap: greatest IoU of two proposals of the network, as it first draws them.
        dedup_iou: greatest IoU of two things once they are outlined: what was drawn apart may become the same.
        long_side: pixels of the longer side of the network's input.
        weights: another ``proposal_net.safetensors``; None for the one that comes with the package.
        device: where the network runs.
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
        """What is asked of the network."""
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
    """The network's masks and the best regions that it did not draw; a Segmenter."""

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
        """Propose masks for ``image``, (3, H, W) uint8; a frame in which nothing is found is one mask."""
        return self.best(image, self.settings.max_masks)

    def best(self, image: Tensor, max_masks: int) -> Proposals:
        """The first ``max_masks`` of the masks of ``image``, (3, H, W) uint8; the others are not drawn."""
        height, width = image.shape[-2:]
        s = self.settings
        things = self._network.decode(image)
        regions = self._classic.regions(image, things.feature_levels)
        small = paste_masks(things.logits, things.views, *regions.labels.shape)
        small_image = resize_image(image, *regions.labels.shape)
        better = refine_masks(small, small_image, regions.labels, regions.area, s.colour, s.superpixel_weight)
        inside = better > 0
        own = nms(pairwise_iou(inside.flatten(1)), s.dedup_iou)  # outlined, two may be the same
        chosen, remaining = complement(
            inside[own], regions, replace(s, max_masks=max(s.max_masks, max_masks))
        )
        scores = torch.cat([things.scores[own], remaining * s.discount])
        order = torch.argsort(scores, descending=True, stable=True)[:max_masks]
        thing, scores = order < len(own), scores[order]
        masks = torch.empty(len(order), height, width, dtype=torch.bool)
        masks[thing] = things.masks(height, width, better - small, own[order[thing]])
        region_masks = regions.masks(chosen[order[~thing] - len(own)])
        refined_regions = (
            refine_edges(region_masks, small_image, s.region_colour) if s.region_colour else region_masks
        )
        masks[~thing] = enlarge(refined_regions, height, width)
        present = nonempty(masks)
        if not present.any():
            return whole_frame(height, width)
        return Proposals(masks[present], boxes_of(masks[present]), scores[present])


def settings_digest(settings: ProposalSegmenterSettings) -> str:
    """What decides choice and order beside the network's weights, in eight digits."""
    return digits(replace(settings, weights=None, device=""), DEEP_TREES, STUFF_WEIGHTS.tolist())


def complement(
    things: Tensor, regions: Regions, settings: ProposalSegmenterSettings
) -> tuple[Tensor, Tensor]:
    """Regions that say what things and better regions do not, while there is room, best first.

    Args:
        things: masks (N, h, w) bool at the size of the superpixels.
        regions: what there is to choose from.
        settings: ``max_masks``, ``regions``, ``overlap`` and ``decay`` of them.

    Returns:
        Indices (n,) int64 of ``regions``, and what is left of their scores (n,) float32.
    """
    s, count = settings, len(things)
    overlap = overlaps(things, regions.labels, regions.area, regions.rows[: s.regions])
    covered = overlap[:count].amax(0) if count else overlap.new_zeros(overlap.shape[1])
    return soft_nms(
        overlap[count:], regions.scores[: s.regions], covered, s.decay, s.overlap, s.max_masks - count
    )


def overlaps(masks: Tensor, labels: Tensor, area: Tensor, rows: Tensor) -> Tensor:
    """IoU of things and regions with each region.

    Args:
        masks: (N, h, w) bool of things.
        labels: (h, w) int64 superpixels.
        area: (R,) float32 pixels of each.
        rows: (K, R) bool, the superpixels of each region.

    Returns:
        (N + K, K) float32 in [0, 1], the things first.
    """
    onto = torch.zeros(len(masks), len(area))
    onto.index_add_(1, labels.flatten(), masks.flatten(1).float())
    every = torch.cat([onto / area, rows.float()])  # a thing covers superpixels in part, a region wholly
    sizes = every @ area
    both = every @ (rows * area).T
    return both / (sizes[:, None] + sizes[None, len(masks) :] - both).clamp_min(1e-6)
