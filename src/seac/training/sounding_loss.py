"""Loss of a sounding head on pairs, without labels.

Under its own audio, at least one mask of a frame sounds (noisy-or). Under the audio of another clip and under
noise, no mask sounds. A mask that does not sound under its own audio looks like one under other audio, which
is how the head tells the masks of a frame apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.losses import msa_micl, similarity_matrix
from seac.decision.sounding_network import SoundingOutputs

NULL, SPARSITY, CONTRASTIVE = 0.5, 0.1, 0.15
"""Weights of the terms; the terms of bags and of inactive masks have weight 1."""
MASKS = 4.0
"""Number of masks by which the sum of their cross-entropies is divided."""
TINY = 1e-5


@dataclass(frozen=True)
class PairTargets:
    """What is known of S scenes, each a frame with a waveform.

    Attributes:
        own: (S,) bool, whether the waveform is that of the frame's clip, or a mixture with it.
        weight: (S,) float32; 0 where the other waveform may fit the frame too.
    """

    own: Tensor
    weight: Tensor


def pair_loss(outputs: SoundingOutputs, targets: PairTargets, padding: Tensor) -> Tensor:
    """Cross-entropy of bags, of inactive masks and of the null logit: scalar.

    Args:
        outputs: of the network.
        targets: of the S scenes; some are under their own audio.
        padding: (S, N) bool, True where there is no mask.
    """
    probability = outputs.log_odds().sigmoid().clamp(TINY, 1 - TINY)
    own, other = targets.own, ~targets.own
    inactive = inactive_entropy(probability, outputs.logits, padding)
    silent = (inactive * targets.weight)[other].sum() / targets.weight[other].sum().clamp_min(1)
    entropy = functional.binary_cross_entropy_with_logits(outputs.null, other.float(), reduction="none")
    null = (entropy * targets.weight).sum() / targets.weight.sum().clamp_min(1)
    sparsity = (-torch.log1p(-probability) * ~padding).sum(1)[own].mean() / MASKS
    return bag_loss(probability, padding)[own].mean() + silent + NULL * null + SPARSITY * sparsity


def bag_loss(probability: Tensor, padding: Tensor) -> Tensor:
    """Cross-entropy (S,) of "at least one of the masks (S, N) sounds" (noisy-or)."""
    nothing = (torch.log1p(-probability) * ~padding).sum(1).exp()
    return -torch.log1p(-nothing.clamp(max=1 - TINY))


def inactive_entropy(probability: Tensor, logits: Tensor, padding: Tensor) -> Tensor:
    """Cross-entropy (S,) of "no mask sounds", of the probabilities and of the logits alone.

    The null logit alone could explain a frame in which nothing sounds. The logits alone must, too, so that
    they depend on the audio.
    """
    together, alone = -torch.log1p(-probability), functional.softplus(logits)
    return ((0.5 * together + 0.5 * alone) * ~padding).sum(1) / MASKS


def tower_loss(
    outputs: SoundingOutputs, groups: Tensor, scale: Tensor, ignored: Tensor, padding: Tensor
) -> Tensor:
    """MSA-MICL (Eq. 8) of the two towers: scalar.

    Args:
        outputs: of B frames under their own audio or the mixture with it.
        groups: (B,) int64, the mixture of each frame, 0 to K - 1.
        scale: logarithm of the inverse temperature.
        ignored: (B, K) bool, pairs left out of the denominators.
        padding: (B, N) bool.
    """
    rows = (groups[None] == torch.arange(ignored.shape[1], device=groups.device)[:, None]).int().argmax(1)
    similarity = similarity_matrix(outputs.masks, padding, outputs.audio[rows])
    return msa_micl(similarity, groups, (-scale).exp(), ignored)
