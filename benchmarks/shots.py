"""Cuts that :class:`seac.video.shots.CutDetector` finds in rendered videos, with and without flashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recipes.common.track_videos import TrackVideo, TrackVideos
from seac.video.key_frames import SMALL
from seac.video.shots import CutDetector

SCENARIOS = ("cut", "cuts", "camera", "fast", "late")
FLASHES = 3
"""Number of flashes in a video, of one to three frames."""
TOLERANCE = 1
"""Frames by which a cut may be found too early or too late."""
Frames = list[NDArray[np.uint8]]


def small_frames(video: TrackVideo) -> Frames:
    """All frames at the size at which cuts are found."""
    found = []
    for image, _ in video.frames():
        found.append(np.asarray(Image.fromarray(image).resize(SMALL[::-1], Image.Resampling.BOX)))
    return found


def add_flashes(frames: Frames, rng: np.random.Generator) -> Frames:
    """The frames with flashes that brighten them, in part to white."""
    flashed = list(frames)
    for start in rng.choice(np.arange(5, len(frames) - 5), FLASHES, replace=False).tolist():
        gain, light = rng.uniform(1.2, 1.8), rng.uniform(40, 120)
        for index in range(start, start + int(rng.integers(1, 4))):
            flashed[index] = (frames[index] * gain + light).clip(0, 255).astype(np.uint8)
    return flashed


def count(video: TrackVideo, frames: Frames) -> NDArray[np.int64]:
    """Cuts of a video that are found, that are missed, and false ones: (3,)."""
    detect = CutDetector()
    found = [index for index, frame in enumerate(frames) if detect(frame)]
    true = [int(np.ceil(cut * video.fps - 1e-9)) for cut in video.cuts]
    hits = sum(any(abs(index - cut) <= TOLERANCE for index in found) for cut in true)
    false = sum(all(abs(index - cut) > TOLERANCE for cut in true) for index in found)
    return np.array([hits, len(true) - hits, false])


def rows(videos: TrackVideos, seeds: Sequence[int]) -> list[list[object]]:
    """Rows of a table: videos, cuts found, missed, false."""
    changes: dict[str, Callable[[Frames, int], Frames]] = {
        "as rendered": lambda frames, seed: frames,
        f"with {FLASHES} flashes": lambda frames, seed: add_flashes(frames, np.random.default_rng(seed)),
    }
    counts = {name: np.zeros(3, np.int64) for name in changes}
    for seed in seeds:
        for scenario in SCENARIOS:
            video = videos(scenario, seed)
            frames = small_frames(video)
            for name, change in changes.items():
                counts[name] += count(video, change(frames, seed))
    return [[name, *values.tolist()] for name, values in counts.items()]
