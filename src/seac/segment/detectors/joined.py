"""Boxes of several detectors together: things of any kind, and instances of known classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.segment.detectors.rf_detr import RfDetr
from seac.segment.promptable.prompted import Detector
from seac.segment.proposal_net.network import Network

RF_DETR = "rf-detr-seg-n"


class ProposalBoxes:
    """Boxes of the proposal network's masks; a :class:`~seac.segment.promptable.prompted.Detector`."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network or Network()
        self.version = f"boxes of {self.network.version}"

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes (N, 4) float32 xyxy in pixels and scores (N,) of ``image`` (3, H, W) uint8."""
        proposals = self.network(image)
        return proposals.boxes, proposals.scores


class JoinedDetectors:
    """The boxes of all its detectors, each with its own scores.

    Args:
        detectors: at least one.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.detectors = tuple(detectors)
        self.version = ", ".join(
            str(getattr(each, "version", type(each).__name__)) for each in self.detectors
        )

    @classmethod
    def from_context(cls, context: PartContext) -> JoinedDetectors:
        """The row of a table: RF-DETR-Seg's instances and the proposals of the preset ``tiny``.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        instances = RfDetr.load(context.weights(RF_DETR), context.device)
        return cls([instances, ProposalBoxes()])

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes (N, 4) float xyxy in pixels and scores (N,) of ``image`` (3, H, W) uint8."""
        boxes, scores = zip(*(detector(image) for detector in self.detectors), strict=True)
        return torch.cat(boxes), torch.cat(scores)
