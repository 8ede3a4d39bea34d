"""Clips of composites: one frame per second, the sounding objects of each frame, and the waveform."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipes.common.composites.audio import mix_sources
from recipes.common.composites.media import Media
from recipes.common.composites.scene import render_scene
from recipes.common.object_scenes import Floats, Rng
from recipes.common.scenes import Scene

ALWAYS_SHARE = 0.6
"""Share of sources that are active in all seconds."""


@dataclass(frozen=True)
class CompositeClip:
    """A clip with exact ground truth.

    Attributes:
        frames: T scenes; the sounding classes are the first classes of each.
        names: the n sounding classes.
        active: (n, T) bool, frames in which each class sounds.
        waveform: (T * 16000,) float32 in [-1, 1], or longer if one frame represents the whole clip.
    """

    frames: tuple[Scene, ...]
    names: tuple[str, ...]
    active: NDArray[np.bool_]
    waveform: Floats

    def mask(self, frame: int) -> NDArray[np.bool_]:
        """Pixels of the sounding objects of a frame: (S, S) bool."""
        return np.isin(self.frames[frame].owner, np.flatnonzero(self.active[:, frame]))

    def labels(self, frame: int, numbers: dict[str, int]) -> NDArray[np.uint8]:
        """Class numbers of the sounding objects of a frame, 0 elsewhere: (S, S) uint8."""
        scene = self.frames[frame]
        found = np.zeros(scene.owner.shape, np.uint8)
        for source in np.flatnonzero(self.active[:, frame]):
            found[scene.owner == source] = numbers[self.names[source]]
        return found


def render_single_source(
    rng: Rng, media: Media, name: str, distractors: int, frames: int, seconds: int
) -> CompositeClip:
    """Render a clip with one class that sounds in all frames, and silent distractors."""
    scenes = render_scene(rng, media, [name], distractors, frames)
    waveform = mix_sources(rng, media, (name,), np.ones((1, seconds), bool))
    return CompositeClip(scenes, (name,), np.ones((1, frames), bool), waveform)


def render_multi_source(rng: Rng, media: Media, seconds: int, silent_share: float) -> CompositeClip:
    """Render a clip with one frame per second and two classes, each active in its own seconds.

    Args:
        rng: generator of all random choices.
        media: cut-outs, recordings, backgrounds.
        seconds: number of seconds and of frames.
        silent_share: share of clips with one second without a source.
    """
    names = tuple(rng.choice(media.classes, 2, replace=False).tolist())
    scenes = render_scene(rng, media, names, int(rng.choice([0, 1, 1])), seconds)
    active = np.stack([draw_activity(rng, seconds) for _ in names])
    if rng.random() < silent_share:
        active[:, rng.integers(seconds)] = False
    return CompositeClip(scenes, names, active, mix_sources(rng, media, names, active))


def draw_activity(rng: Rng, seconds: int) -> NDArray[np.bool_]:
    """Sample the active seconds of a source, all or at least two in a row: (T,) bool."""
    active = np.ones(seconds, bool)
    if rng.random() >= ALWAYS_SHARE:
        start = int(rng.integers(seconds - 1))
        end = int(rng.integers(start + 2, seconds + 1))
        active[:start], active[end:] = False, False
    return active
