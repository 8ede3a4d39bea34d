"""Clips of composites: frames a second apart, what sounds in each of them, and the waveform."""

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
"""Share of sources that sound from the first second to the last."""


@dataclass(frozen=True)
class CompositeClip:
    """A clip with exact ground truth.

    Attributes:
        frames: T scenes; the sounding classes are their first ones.
        names: the n sounding classes.
        active: (n, T) bool, in which seconds each sounds.
        waveform: (T * 16000,) float32 in [-1, 1], or longer where one frame stands for a whole clip.
    """

    frames: tuple[Scene, ...]
    names: tuple[str, ...]
    active: NDArray[np.bool_]
    waveform: Floats

    def mask(self, frame: int) -> NDArray[np.bool_]:
        """Pixels of what sounds in a frame: (S, S)."""
        return np.isin(self.frames[frame].owner, np.flatnonzero(self.active[:, frame]))

    def labels(self, frame: int, numbers: dict[str, int]) -> NDArray[np.uint8]:
        """Class numbers of what sounds in a frame, 0 elsewhere: (S, S)."""
        scene = self.frames[frame]
        found = np.zeros(scene.owner.shape, np.uint8)
        for source in np.flatnonzero(self.active[:, frame]):
            found[scene.owner == source] = numbers[self.names[source]]
        return found


def render_single_source(
    rng: Rng, media: Media, name: str, distractors: int, frames: int, seconds: int
) -> CompositeClip:
    """A clip in which one class sounds all the time beside cut-outs that do not."""
    scenes = render_scene(rng, media, [name], distractors, frames)
    waveform = mix_sources(rng, media, (name,), np.ones((1, seconds), bool))
    return CompositeClip(scenes, (name,), np.ones((1, frames), bool), waveform)


def render_multi_source(rng: Rng, media: Media, seconds: int, silent_share: float) -> CompositeClip:
    """A clip of one frame a second in which two classes sound, each in its own seconds.

    Args:
        rng: draws everything.
        media: cut-outs, recordings, backgrounds.
        seconds: and frames.
        silent_share: of clips in one second of which nothing sounds.
    """
    names = tuple(rng.choice(media.classes, 2, replace=False).tolist())
    scenes = render_scene(rng, media, names, int(rng.choice([0, 1, 1])), seconds)
    active = np.stack([draw_activity(rng, seconds) for _ in names])
    if rng.random() < silent_share:
        active[:, rng.integers(seconds)] = False
    return CompositeClip(scenes, names, active, mix_sources(rng, media, names, active))


def draw_activity(rng: Rng, seconds: int) -> NDArray[np.bool_]:
    """In which seconds a source sounds: (T,) bool, all of them or two and more in a row."""
    active = np.ones(seconds, bool)
    if rng.random() >= ALWAYS_SHARE:
        start = int(rng.integers(seconds - 1))
        end = int(rng.integers(start + 2, seconds + 1))
        active[:start], active[end:] = False, False
    return active
