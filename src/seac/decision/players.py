"""A sounding head that joins the player to the instrument.

The instrument sounds, not its player, so :class:`~seac.decision.sounding_head.LearnedSoundingHead` lights the
instrument alone. Editors may want both: then a person who touches a sounding instrument sounds as it does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seac.core.types import EncodedImage
from seac.decision.sounding_head import LearnedSoundingHead
from seac.encoders.labels.sound_sources import group_matrix, group_names

LIKELY = 0.5
"""Least probability of the group "person" of a player, and of "instrument" of an instrument."""
TOUCH = 0.3
"""Least share of the instrument's box inside the player's box."""


class PlayerHead(LearnedSoundingHead):
    """The learned head; a person who touches a sounding instrument gets its logit."""

    @torch.inference_mode()
    def join(self, logits: Tensor, image: EncodedImage) -> Tensor:
        """Return log-odds (S, N) that each mask sounds, or that it plays what sounds."""
        logits = super().join(logits, image)
        masks = image.embeddings
        if logits.numel() == 0 or masks.local_probabilities is None:
            return logits
        classes = self.class_heads.probabilities("image", masks.local, masks.local_probabilities)
        groups = classes[:, :-1] @ group_matrix()
        player = groups[:, group_names().index("person")] >= LIKELY
        instrument = groups[:, group_names().index("instrument")] >= LIKELY
        return join_players(logits, player, instrument, image.proposals.boxes)


def join_players(logits: Tensor, player: Tensor, instrument: Tensor, boxes: Tensor) -> Tensor:
    """Logits (..., N) of which each player has at least that of the instruments it touches that sound.

    Args:
        logits: (..., N) log-odds that each mask sounds.
        player: (N,) bool, masks of people.
        instrument: (N,) bool, masks of instruments.
        boxes: (N, 4) xyxy.
    """
    plays = (inside_share(boxes) >= TOUCH) & instrument[:, None] & player[None]
    played = plays & (logits > 0)[..., :, None]
    lowest = logits.amin(-1)[..., None, None]
    loudest = torch.where(played, logits[..., :, None], lowest).amax(-2)
    return torch.maximum(logits, loudest)


def inside_share(boxes: Tensor) -> Tensor:
    """Share of each box (N, 4) xyxy that is inside each other box: (N, N)."""
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    joint = (high - low).clamp_min(0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return joint / area.clamp_min(1)[:, None]
