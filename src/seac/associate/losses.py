"""Eq. 6-8: multiple-instance contrastive learning, for single sources and for mixtures.

Losses are pure functions of the similarity matrix and of the mixture of each sample. Half precision is
converted to float32 before any exponential; float64 stays float64. Sums over samples or mixtures in the paper
are means here, so that a loss does not depend on the batch size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


def similarity_matrix(masks: Tensor, mask_padding: Tensor, audio: Tensor) -> Tensor:
    """Eq. 7: ``S[i, k]``, the maximum cosine of a mask of frame i with audio k: (B, K), float32 or float64.

    Args:
        masks: (B, N, d) mask embeddings.
        mask_padding: (B, N) bool, True where there is no mask; padding never is the maximum.
        audio: (K, d) embeddings of single waveforms or of mixtures.

    Raises:
        ValueError: a frame has no masks.
    """
    empty = mask_padding.all(dim=1)
    if bool(empty.any()):
        rows = empty.nonzero()[:, 0].tolist()
        raise ValueError(f"frames {rows} of the batch have no masks: leave them out of training")
    cosine = functional.normalize(to_float(masks), dim=-1) @ functional.normalize(to_float(audio), dim=-1).T
    return cosine.masked_fill(mask_padding[..., None], -torch.inf).amax(dim=1)


def micl(similarity: Tensor, temperature: Tensor | float) -> Tensor:
    """Eq. 6: contrastive loss over B frames and B waveforms, in both directions: scalar.

    Args:
        similarity: (B, B), Eq. 7; positive pairs are on the diagonal.
        temperature: tau, above 0.
    """
    return msa_micl(similarity, torch.arange(len(similarity), device=similarity.device), temperature)


def msa_micl(
    similarity: Tensor, groups: Tensor, temperature: Tensor | float, ignored: Tensor | None = None
) -> Tensor:
    """Eq. 8: MICL with mixtures of the waveforms of each group: scalar.

    The positives of a mixture are all frames of its group, summed inside one logarithm. The positive of a
    frame is the mixture that contains its own waveform. K = B gives Eq. 6.

    Args:
        similarity: (B, K), Eq. 7.
        groups: (B,) int64, the mixture of each sample, 0 to K - 1; every mixture has a sample.
        temperature: tau, above 0.
        ignored: (B, K) bool, pairs left out of the denominators; a positive pair never is.

    Raises:
        ValueError: groups are not a partition of B samples into K.
    """
    member = membership(groups, similarity.shape[1])
    logits = to_float(similarity) / temperature
    negatives = logits if ignored is None else logits.masked_fill(ignored & ~member, -torch.inf)
    positives = logits.masked_fill(~member, -torch.inf).logsumexp(dim=0)
    to_masks = negatives.logsumexp(dim=0) - positives
    to_audio = negatives.logsumexp(dim=1) - logits.gather(1, groups[:, None])[:, 0]
    return to_masks.mean() + to_audio.mean()


def membership(groups: Tensor, count: int) -> Tensor:
    """Membership of B samples in K groups: (B, K) bool.

    Raises:
        ValueError: a group index is outside 0 to K - 1, or a group has no samples.
    """
    member = groups[:, None] == torch.arange(count, device=groups.device)
    if not bool((member.any(dim=0).all() & member.any(dim=1).all()).item()):
        raise ValueError(f"groups are no partition into {count}: number them 0 to {count - 1}, none empty")
    return member


@dataclass(frozen=True)
class Frozen:
    """Frozen features of the samples of a batch, independent of training.

    Attributes:
        frames: (B, d_m), one vector for each frame.
        audio: (B, d_a), one vector for each sample's own waveform, before mixing.
        audio_text: (B, t) of unit length, text-space embedding of the sample's own waveform; None without
            text space.
    """

    frames: Tensor
    audio: Tensor
    audio_text: Tensor | None = None

    def map(self, function: Callable[[Tensor], Tensor]) -> Frozen:
        """Apply ``function`` to every tensor."""
        text = None if self.audio_text is None else function(self.audio_text)
        return Frozen(function(self.frames), function(self.audio), text)


def false_negatives(frozen: Frozen, groups: Tensor, count: int, threshold: float) -> Tensor:
    """Negative pairs that likely match: (B, K) bool.

    Frame i and mixture k likely match if frame i is similar to the frame of a member of k, or if the waveform
    of i is similar to the waveform of that member. Non-negative features have high cosines throughout, so the
    mean of the batch is subtracted first.

    Args:
        frozen: features for the comparison of samples.
        groups: (B,) the mixture of each sample.
        count: K.
        threshold: cosine above which two frames, or two waveforms, are similar.
    """
    similar = (centred_cosine(frozen.frames) > threshold) | (centred_cosine(frozen.audio) > threshold)
    return negatives_among(similar, groups, count)


def text_false_negatives(frozen: Frozen, groups: Tensor, count: int, threshold: float) -> Tensor:
    """Negative pairs that likely match because their audio is similar in text space: (B, K) bool.

    Raises:
        ValueError: the batch has no text-space embeddings.
    """
    if frozen.audio_text is None:
        raise ValueError("this loss compares audio in text space, and there is none: set text_components")
    similar = frozen.audio_text @ frozen.audio_text.T > threshold
    return negatives_among(similar, groups, count)


def negatives_among(similar: Tensor, groups: Tensor, count: int) -> Tensor:
    """Pairs of a sample and a mixture without it that has a ``similar`` (B, B) member: (B, K) bool."""
    member = membership(groups, count)
    return (similar.float() @ member.float() > 0) & ~member


def centred_cosine(features: Tensor) -> Tensor:
    """Cosines (B, B) of features (B, d) after subtraction of the mean of the batch."""
    features = to_float(features)
    unit = functional.normalize(features - features.mean(dim=0), dim=1)
    return unit @ unit.T


def to_float(values: Tensor) -> Tensor:
    """Convert to float32; float64 stays float64."""
    return values if values.dtype == torch.float64 else values.float()


@dataclass(frozen=True)
class Batch:
    """Input of every loss.

    Attributes:
        similarity: (B, K), Eq. 7.
        groups: (B,) the mixture of each sample.
        temperature: tau.
        frozen: features of the frozen encoders.
        threshold: threshold of :func:`false_negatives`.
    """

    similarity: Tensor
    groups: Tensor
    temperature: Tensor
    frozen: Frozen
    threshold: float


def paper_loss(batch: Batch) -> Tensor:
    """Eq. 8, which equals Eq. 6 for an unmixed batch."""
    return msa_micl(batch.similarity, batch.groups, batch.temperature)


def false_negative_aware(batch: Batch) -> Tensor:
    """Eq. 8 with likely false negatives left out of the denominators."""
    ignored = false_negatives(batch.frozen, batch.groups, batch.similarity.shape[1], batch.threshold)
    return msa_micl(batch.similarity, batch.groups, batch.temperature, ignored)


def text_aware(batch: Batch) -> Tensor:
    """Eq. 8 with pairs of similar class names left out of the denominators."""
    ignored = text_false_negatives(batch.frozen, batch.groups, batch.similarity.shape[1], batch.threshold)
    return msa_micl(batch.similarity, batch.groups, batch.temperature, ignored)


LOSSES: dict[str, Callable[[Batch], Tensor]] = {
    "msa-micl": paper_loss,
    "false-negative-aware": false_negative_aware,
    "text-aware": text_aware,
}
