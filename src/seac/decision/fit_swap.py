"""Fit the constants of the decision without labels: frames under their own and under other audio.

It is assumed that something visible sounds in a frame under the audio of its clip, and nothing under other
audio. Neither holds in every clip: the sources of some are off-screen, and the audio of another clip may fit.
The logistic curve is fitted to the event "any mask sounds" (noisy-or), both kinds of audio with equal weight.
The threshold is the one that best separates them. Which mask sounds is unknown, so margins are not fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seac.core.errors import InputError
from seac.decision.calibration import Calibration
from seac.metrics.functional.robustness import auroc

FLAT = 0.01
"""Tolerance of the objective: thresholds within this distance of the maximum are equivalent."""
LEVELS = 101
"""Number of thresholds in the grid."""
ITERATIONS, RIDGE = 100, 1e-3
ABSENT = -1e4
"""Logit of padding."""


@dataclass(frozen=True)
class SwapLogits:
    """Logits of the N masks of a frame under several audio.

    Attributes:
        own: (N,) under the audio of its clip; N at least 1.
        other: (P, N) under the audio of other clips.
        noise: (Q, N) under silence and noise that the decision does not recognise by itself.
    """

    own: Tensor
    other: Tensor
    noise: Tensor


def fit_swap(frames: Sequence[SwapLogits], start: Calibration) -> Calibration:
    """Fit slope, offset and threshold; the other constants are those of ``start``.

    Raises:
        InputError: there are no frames, or none under other audio.
    """
    own, other = _stacked(frames)
    if not len(own) or not len(other):
        raise InputError(f"{len(own)} frames under own and {len(other)} under other audio: give more clips")
    slope, offset = _curve(own.double(), other.double())
    curve = replace(start, slope=round(slope, 4), offset=round(offset, 4))
    return replace(curve, threshold=_threshold(_likeliest(own, curve), _likeliest(other, curve)))


def report_swap(frames: Sequence[SwapLogits], constants: Calibration) -> dict[str, float]:
    """Shares of frames with an active mask by audio, and the AUROC of the likeliest mask."""
    parts = {
        "own": [frame.own for frame in frames],
        "other": [row for frame in frames for row in frame.other],
        "noise": [row for frame in frames for row in frame.noise],
    }
    likeliest = {name: _likeliest(_padded(rows), constants) for name, rows in parts.items() if rows}
    found = {
        f"active under {name}": round(float((values >= constants.threshold).double().mean()), 4)
        for name, values in likeliest.items()
    }
    if {"own", "other"} <= likeliest.keys():
        both = torch.cat([likeliest["own"], likeliest["other"]])
        found["auroc"] = round(auroc(both, torch.arange(len(both)) < len(likeliest["own"])), 4)
    return found


def presence(logits: Tensor) -> Tensor:
    """Log-odds (n,) that any of the masks (n, N) sounds, by noisy-or."""
    nothing = -functional.softplus(logits.double()).sum(1)
    return torch.log(-torch.expm1(nothing.clamp_max(-1e-12))) - nothing


def _stacked(frames: Sequence[SwapLogits]) -> tuple[Tensor, Tensor]:
    """Logits (n, N) of all frames under own audio, and under any other audio."""
    other = [row for frame in frames for part in (frame.other, frame.noise) for row in part]
    return _padded([frame.own for frame in frames]), _padded(other)


def _padded(rows: Sequence[Tensor]) -> Tensor:
    if not rows:
        return torch.zeros(0, 1)
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=ABSENT)


def _likeliest(logits: Tensor, constants: Calibration) -> Tensor:
    """Probability (n,) of the likeliest mask of each row."""
    return constants.probability(logits.amax(1))


def _curve(own: Tensor, other: Tensor) -> tuple[float, float]:
    """Slope and offset by maximum likelihood of the presence."""
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        slope, offset = weights[0].exp(), weights[1]
        entropy = functional.softplus(-presence(slope * own + offset)).mean()
        entropy = entropy + functional.softplus(presence(slope * other + offset)).mean()
        total = entropy + RIDGE * weights.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    slope, offset = weights.detach()
    return float(slope.exp()), float(offset)


def _threshold(own: Tensor, other: Tensor) -> float:
    """Median of the thresholds with the greatest balanced accuracy."""
    grid = np.unique(np.quantile(torch.cat([own, other]).numpy(), np.linspace(0.01, 0.99, LEVELS)))
    found = [float((own >= level).double().mean() + (other < level).double().mean()) / 2 for level in grid]
    good = [level for level, each in zip(grid, found, strict=True) if each >= max(found) - FLAT]
    return round(float(good[len(good) // 2]), 5)
