"""Proposal segmenter of preset ``tiny``: the masks of the network, and the background that they leave.

The network proposes things. What sounds may be none (rain, a waterfall, the sea), so the part of the frame
without confident things is proposed, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.core.types import Proposals
from seac.segment.ops import boxes_of, nonempty
from seac.segment.proposal_net.network import Network, NetworkSettings, digits


@dataclass(frozen=True)
class ProposalSegmenterSettings:
    """Settings of the proposal segmenter.

    ``python -m recipes.proposal_net.evaluate`` chose input size and overlap; the background is not tuned.

    Attributes:
        max_masks: default number of masks per frame.
        long_side: pixels of the longer side of the network's input.
        max_locations: maximum number of locations whose masks are decoded.
        overlap: maximum IoU of two proposals of the network.
        min_score: minimum score of a proposal of the network.
        confident: minimum score of a thing that is not background; at least ``background``, so that a
            smaller number of masks has the same background.
        background: score of the background.
        min_background: minimum size of the background as a share of the frame.
        weights: path of another ``proposal_net.safetensors``; None uses the shipped one.
        device: device of the network.
    """

    max_masks: int = 50
    long_side: int = 384
    max_locations: int = 100
    overlap: float = 0.7
    min_score: float = 0.0
    confident: float = 0.3
    background: float = 0.2
    min_background: float = 0.02
    weights: str | None = None
    device: str = "cpu"

    @property
    def network(self) -> NetworkSettings:
        """Settings of the network."""
        return NetworkSettings(
            max_masks=self.max_masks,
            long_side=self.long_side,
            max_locations=self.max_locations,
            overlap=self.overlap,
            min_score=self.min_score,
            weights=self.weights,
            device=self.device,
        )


class ProposalSegmenter:
    """The network's masks and the background; a :class:`~seac.segment.base.Segmenter`."""

    def __init__(self, settings: ProposalSegmenterSettings | None = None) -> None:
        self.settings = settings or ProposalSegmenterSettings()
        self._network = Network(self.settings.network)
        self.version = f"proposal segmenter, {self._network.version}, {settings_digest(self.settings)}"

    @classmethod
    def from_context(cls, context: PartContext) -> ProposalSegmenter:
        """The row of a table; on the CPU whatever the device."""
        return cls()

    def __call__(self, image: Tensor) -> Proposals:
        """Propose masks for ``image``, (3, H, W) uint8; without things, the background is the frame."""
        return self.best(image, self.settings.max_masks)

    @torch.inference_mode()
    def best(self, image: Tensor, max_masks: int) -> Proposals:
        """Return the best ``max_masks`` proposals for ``image``, (3, H, W) uint8; others are not decoded."""
        s = self.settings
        height, width = image.shape[-2:]
        things = self._network.decode(image, max_masks)
        masks, scores = things.masks(height, width), things.scores
        present = nonempty(masks)
        masks, scores = masks[present], scores[present]
        rest = ~masks[scores >= s.confident].any(0)
        if len(masks) == 0 or rest.float().mean() >= s.min_background:
            scores = torch.cat([scores, scores.new_tensor([s.background])])
            order = torch.argsort(scores, descending=True, stable=True)[:max_masks]
            masks, scores = torch.cat([masks, rest[None]])[order], scores[order]
        return Proposals(masks, boxes_of(masks), scores)


def settings_digest(settings: ProposalSegmenterSettings) -> str:
    """Return eight digits that identify the settings of selection and ranking."""
    return digits(replace(settings, weights=None, device=""))
