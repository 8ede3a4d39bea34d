"""Which tenths of a second are active, from the level of each.

An audio window of the networks is longer than a step, so they recognise a source before it begins and after
it ends. The level gives the times: a step whose level is nearer to the background than to the foreground
around it is inactive. ``python -m benchmarks.audio_steps`` chooses the constants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seac.results.values import STEP

QUIETEST = -120.0
"""Least level in dBFS."""
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class StepRule:
    """Constants, in steps of a tenth of a second.

    Attributes:
        windows: lengths of the audio windows around a step as shares of ``Settings.audio_window``, each with
            the number of steps that share a window; the logits of a mask are the mean over the lengths.
        near: steps before and after a step among which its foreground is the loudest.
        far: steps before and after a step among which its background is the quietest.
        contrast: least dB from background to foreground; audio with less has no pauses.
        share: share of the way from background to foreground, in dB, from which a step is active.
        gap: longest pause in steps that stays active, so that pauses of speech do not flicker.
        reach: steps before and after a single moment among which one active step makes it active.
    """

    windows: tuple[tuple[float, int], ...] = ((0.5, 1), (1.0, 3))
    near: int = 20
    far: int = 20
    contrast: float = 6.0
    share: float = 0.4
    gap: int = 3
    reach: int = 2

    @property
    def around(self) -> int:
        """Steps before and after a step that its activity depends on."""
        return max(self.near, self.far) + self.gap


def step_levels(waveform: Floats, samples: int) -> Floats:
    """Level of each step of a waveform: (S,) float32 dBFS (RMS), at least -120.

    Args:
        waveform: (n,) float32 in [-1, 1]; a remainder shorter than a step counts as a step.
        samples: of a step.
    """
    count = -(-len(waveform) // samples)
    power = (
        np.add.reduceat(np.square(waveform, dtype=np.float64), np.arange(count) * samples) if count else ()
    )
    lengths = np.minimum(samples, len(waveform) - np.arange(count) * samples)
    mean = np.maximum(np.asarray(power) / np.maximum(lengths, 1), 10 ** (QUIETEST / 10))
    return np.asarray(10 * np.log10(mean), np.float32)


def active_steps(levels: Floats, floor: float, rule: StepRule) -> Bools:
    """Whether each step is active: (S,) bool.

    Args:
        levels: (S,) float32 dBFS.
        floor: dBFS below which audio is silent.
        rule: constants.
    """
    audible = np.maximum(levels, np.float32(floor))
    foreground = _extreme(audible, rule.near, np.maximum)
    background = _extreme(audible, rule.far, np.minimum)
    contrast = foreground - background
    uniform = contrast < rule.contrast
    active = (levels >= floor) & (uniform | (audible - background >= rule.share * contrast))
    return close_gaps(active, rule.gap)


def is_active_at(waveform: Floats, sample_rate: int, time: float, floor: float, rule: StepRule) -> bool:
    """Whether a step within ``rule.reach`` of a time is active; in a waveform without samples none is.

    The background of a short waveform is what is quietest in it, and may be the tail of a bark: a single
    moment needs more of a pause than the steps of a whole video.

    Args:
        waveform: (n,) float32 in [-1, 1].
        sample_rate: Hz.
        time: seconds from its beginning; later than its end is its last step.
        floor: dBFS below which audio is silent.
        rule: constants; ``near`` and ``far`` reach as far as the waveform.
    """
    samples = max(1, round(STEP * sample_rate))
    levels = step_levels(waveform, samples)
    if len(levels) == 0:
        return False
    step = min(int(time / STEP + 1e-6), len(levels) - 1)
    return bool(active_steps(levels, floor, rule)[max(0, step - rule.reach) : step + rule.reach + 1].any())


def close_gaps(active: Bools, gap: int) -> Bools:
    """The steps with pauses of at most ``gap`` steps between active steps made active: (S,) bool."""
    closed = active.copy()
    rows = np.flatnonzero(active)
    for before, after in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        if 1 < after - before <= gap + 1:
            closed[before:after] = True
    return closed


def _extreme(levels: Floats, reach: int, extreme: np.ufunc) -> Floats:
    """Greatest or least level within ``reach`` steps of each step: (S,)."""
    if len(levels) == 0:
        return levels
    padded = np.pad(levels, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(extreme.reduce(windows, axis=1))
