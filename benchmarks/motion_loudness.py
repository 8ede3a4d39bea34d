"""Whether motion tells which of two objects sounds: agreement of motion energy with onset strength.

The motion energy of a region is its mean speed relative to the camera; the onset strength is the rise of the
logarithmic power of bands of frequency. Of two candidates, that with the greater correlation is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.common.track_videos import TrackVideo, TrackVideos
from seac.core.errors import InputError
from seac.media.decode import SAMPLE_RATE, frames, load_waveform
from seac.video.flow import DenseFlow, FlowSettings

RATE = 12.5
"""Frames per second of motion and onsets of real clips."""
WINDOW = 4.0
"""Seconds over which motion and onsets are compared."""
LAGS = range(-2, 3)
"""Frames by which motion may come after the audio."""
SIDE = 128
BAND_EDGES = (100, 200, 400, 800, 1_600, 3_200, 6_400)
FLOOR = 1e-7
MIN_MOTION, MIN_LEVEL = 0.02, 1e-3
"""Least mean speed in pixels per frame, and least RMS, of a window that is compared."""
RHYTHM_SEEDS = 8
"""Seeds of rendered videos per scenario."""
Series = NDArray[np.float64]


@dataclass(frozen=True)
class Excerpt:
    """A window of a clip.

    Attributes:
        clip: its name.
        group: where the clip is from.
        motion: (n,) motion energy.
        onsets: (n,) onset strength.
    """

    clip: str
    group: str
    motion: Series
    onsets: Series


def onset_strength(waveform: NDArray[np.float32], rate: float, count: int) -> Series:
    """Rise of the logarithmic power in bands from one frame to the next: (count,)."""
    hop, size = SAMPLE_RATE / rate, 1024
    window = np.hanning(size)
    starts = (np.arange(-1, count) * hop).astype(int)
    ahead = int(hop) + 1
    padded = np.pad(waveform, (ahead, size + max(0, int(starts[-1]) - len(waveform))))
    power = np.stack([np.abs(np.fft.rfft(window * padded[s : s + size])) ** 2 for s in starts + ahead])
    edges = np.searchsorted(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), BAND_EDGES)
    bands = np.stack([power[:, a:b].sum(1) for a, b in pairwise(edges)], 1)
    rise = np.diff(np.log(bands / size + FLOOR * size), axis=0)
    return np.asarray(rise.clip(0).mean(1))


def agreement(motion: Series, onsets: Series) -> float:
    """Greatest correlation of motion (n,), or of its changes, with onsets (n,) over :data:`LAGS`."""
    changes = np.abs(np.diff(motion, prepend=motion[:1]))
    return max(correlation(np.roll(series, -lag), onsets) for series in (motion, changes) for lag in LAGS)


def correlation(one: Series, other: Series) -> float:
    """Pearson correlation; 0 without variation."""
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else 0.0


def rendered_accuracy(videos: TrackVideos, name: str, seeds: Sequence[int]) -> tuple[int, int]:
    """Videos in which motion tells which of twins sounds, and all videos of twins.

    The regions are the true masks.
    """
    right, total = 0, 0
    for seed in seeds:
        video = videos(name, seed)
        sounding = [k for k, spans in enumerate(video.spans) if spans]
        if len(sounding) != 1 or sounding[0] > 1:
            continue
        motion = object_motion(video)
        onsets = onset_strength(video.waveform, video.fps, len(video))
        scores = [agreement(series, onsets) for series in motion[:2]]
        right += scores[sounding[0]] > scores[1 - sounding[0]]
        total += 1
    return right, total


def object_motion(video: TrackVideo) -> NDArray[np.float64]:
    """Motion energy of each object in each frame: (objects, frames)."""
    method = DenseFlow(video.size, FlowSettings("ultrafast", 2 * SIDE))
    found = np.zeros((len(video.names), len(video)))
    before = None
    for index in range(len(video)):
        image, owner = video.frame(index)
        gray = method.to_gray(image)
        if before is not None:
            speed = relative_speed(method.flow(gray, before))
            rows, columns = (
                np.arange(side) * full // side for side, full in zip(speed.shape, owner.shape, strict=True)
            )
            small = owner[rows][:, columns]
            for number in range(len(found)):
                inside = small == number
                found[number, index] = speed[inside].mean() if inside.any() else found[number, index - 1]
        before = gray
    return found


def relative_speed(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Speed of each pixel relative to the median motion: (h, w)."""
    return np.asarray(np.linalg.norm(flow - np.median(flow, axis=(0, 1)), axis=-1), np.float32)


def real_excerpts(folder: Path) -> Iterator[Excerpt]:
    """The first window of each clip with motion and audio."""
    for path in sorted(folder.glob("*.mp4")):
        try:
            waveform = load_waveform(path, SAMPLE_RATE, WINDOW).numpy()
            motion = clip_motion(path)
        except InputError:
            continue
        level = float(np.sqrt(np.mean(np.square(waveform))))
        if len(motion) < WINDOW * RATE * 0.9 or motion.mean() < MIN_MOTION or level < MIN_LEVEL:
            continue
        yield Excerpt(path.stem, path.stem.split("-")[0], motion, onset_strength(waveform, RATE, len(motion)))


def clip_motion(path: Path) -> Series:
    """Motion energy of the frames of a clip: (n,)."""
    before, found, method = None, [], None
    for frame in frames(path, RATE, SIDE, stop=WINDOW):
        image = frame.image.permute(1, 2, 0).numpy()
        method = method or DenseFlow(image.shape[:2], FlowSettings("ultrafast", SIDE))
        gray = method.to_gray(image)
        found.append(0.0 if before is None else float(relative_speed(method.flow(gray, before)).mean()))
        before = gray
    return np.array(found)


def real_accuracy(excerpts: Sequence[Excerpt], *, same_group: bool) -> tuple[float, int]:
    """Share of pairs of clips side by side, with the audio of one, in which motion tells whose; their number.

    Args:
        excerpts: of real clips.
        same_group: whether both clips are from one place, and so of one class in most cases.
    """
    right, total = 0.0, 0
    for own, other in permutations(excerpts, 2):
        if (own.group == other.group) != same_group:
            continue
        length = min(len(own.motion), len(other.motion))
        onsets = own.onsets[:length]
        one, two = agreement(own.motion[:length], onsets), agreement(other.motion[:length], onsets)
        right += (one > two) + 0.5 * (one == two)
        total += 1
    return (right / total if total else float("nan")), total


def rows(videos: TrackVideos, clips: Path) -> list[list[object]]:
    """Rows of a table: data, share of pairs in which the motion tells what sounds, pairs."""
    found: list[list[object]] = []
    for name, text in (
        ("rhythm-twins", "rendered, moves with its loudness"),
        ("rhythm-twins-camera", "rendered, moves with its loudness, moving camera"),
        ("twins", "rendered, motion unrelated to the audio"),
    ):
        right, total = rendered_accuracy(videos, name, range(100, 100 + RHYTHM_SEEDS))
        found.append([text, f"{100 * right / max(total, 1):.0f}", total])
    excerpts = list(real_excerpts(clips))
    for same, text in ((True, "one source, most of one class"), (False, "different sources")):
        share, total = real_accuracy(excerpts, same_group=same)
        found.append([f"real clips side by side, {text}", f"{100 * share:.0f}", total])
    return found
