"""Audio mixing: groups of samples of a batch, and the sum of their waveforms."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def mixing_probability(epoch: int, epochs: int, last: float = 0.5) -> float:
    """Probability that a batch of this epoch is mixed: linear from 0 to ``last`` over the epochs.

    Args:
        epoch: from 0.
        epochs: number of epochs; a single epoch is not mixed.
        last: probability in the last epoch.
    """
    return last * epoch / (epochs - 1) if epochs > 1 else 0.0


def random_groups(count: int, generator: torch.Generator, size: int = 2) -> Tensor:
    """A random partition of ``count`` samples into groups of ``size``: (count,) int64, K = count // size.

    Each leftover sample joins another group. Fewer samples than ``size`` form one group.

    Raises:
        ValueError: ``size`` below 1.
    """
    if size < 1:
        raise ValueError(f"groups of {size}: give at least 1")
    groups = torch.arange(count) % max(1, count // size)
    return groups[torch.randperm(count, generator=generator)]


def mix(waveforms: Sequence[Tensor], groups: Tensor) -> list[Tensor]:
    """Sum of the waveforms of each group: K of (S,) float32, as long as the longest waveform of the group.

    The sum is not scaled down: two loud sources are louder than one.

    Args:
        waveforms: B of (S_i,), float in [-1, 1] or int16, at one sample rate.
        groups: (B,) int64, the group of each waveform, 0 to K - 1.

    Raises:
        ValueError: the numbers of waveforms and groups differ.
    """
    if len(waveforms) != len(groups):
        raise ValueError(f"{len(waveforms)} waveforms with {len(groups)} groups: give one for each")
    members: list[list[Tensor]] = [[] for _ in range(int(groups.max()) + 1 if len(groups) else 0)]
    for waveform, group in zip(waveforms, groups.tolist(), strict=True):
        members[group].append(as_float(waveform))
    return [sum_waveforms(group) for group in members]


def sum_waveforms(waveforms: Sequence[Tensor]) -> Tensor:
    """Sum of waveforms (S_i,), shorter waveforms zero-padded at the end: (max S_i,)."""
    total = torch.zeros(max((len(waveform) for waveform in waveforms), default=0))
    for waveform in waveforms:
        total[: len(waveform)] += waveform
    return total


def as_float(waveform: Tensor) -> Tensor:
    """Convert int16 to float32 in [-1, 1), and any float to float32."""
    return waveform.float() / 32768 if waveform.dtype == torch.int16 else waveform.float()
