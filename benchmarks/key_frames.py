"""Key frames at a fixed rate and at one that follows the image: how well their masks fit the frames between.

    python -m benchmarks.key_frames --videos DATA/real/videos [--every N] [--cache FOLDER] [--write PAGE]

Masks of every fifth of a second of real clips are compared with those of the nearest key frame of their shot.
The score of a frame is the mean IoU of its best masks with the best fitting mask of the key frame.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.command import publish
from benchmarks.tables import table
from recipes.common.options import errors_in_one_line
from seac.media.decode import frames
from seac.media.presentation import timed_frames
from seac.pipeline import SeAC
from seac.presets.load import load
from seac.segment.base import best_of
from seac.video.key_frames import KeyFrameRate, choose_key_frames

GRID, SECONDS = 0.2, 6.0
"""Seconds between compared frames, and seconds of a clip."""
BEST = 8
"""Masks of a frame that are compared."""
SMALL = 4
"""Masks are compared on every fourth pixel of each side."""
FIXED = (1.0, 1.2, 1.4, 1.6, 2.0)
CHANGES = (0.03, 0.05, 0.08)
SPANS = ((0.3, 1.0), (0.4, 1.0), (0.5, 1.0), (0.4, 1.5))
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Clip:
    """A clip.

    Attributes:
        path: the video.
        masks: (N, h, w) of each compared frame, best first.
    """

    path: Path
    masks: tuple[Masks, ...]


@torch.inference_mode()
def load_clip(model: SeAC, path: Path, cache: Path | None) -> Clip:
    """The masks of a clip, from the cache if they are in it."""
    kept = None if cache is None else cache / f"{path.stem}.npz"
    if kept is not None and kept.is_file():
        with np.load(kept) as stored:
            return Clip(path, tuple(stored[f"arr_{number}"] for number in range(len(stored.files))))
    masks = []
    for frame in frames(path, 1 / GRID, model.settings.max_side, stop=SECONDS):
        proposals = best_of(model.stages.segmenter, frame.image, model.settings.top_n)
        masks.append(proposals.masks[:, ::SMALL, ::SMALL].numpy())
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(kept, *masks)
    return Clip(path, tuple(masks))


def score_frame(own: Masks, other: Masks) -> float:
    """Mean over the best masks of the greatest IoU with a mask of the other frame; 1 without masks."""
    if len(own) == 0 or len(other) == 0:
        return float(len(own) == len(other))
    first, second = (each.reshape(len(each), -1).astype(np.float32) for each in (own[:BEST], other))
    joint = first @ second.T
    union = first.sum(1)[:, None] + second.sum(1) - joint
    return float((joint / np.maximum(union, 1)).max(1).mean())


def score_clip(clip: Clip, rate: KeyFrameRate) -> tuple[list[float], int]:
    """Scores of the compared frames, and the number of key frames."""
    last = len(clip.masks) - 1
    chosen = []
    for frame in choose_key_frames(timed_frames(clip.path), rate, 64):
        if frame.time >= SECONDS:
            break
        chosen.append((min(last, round(frame.time / GRID)), frame.cut is not None))
    shots = np.cumsum([cut for _, cut in chosen])
    starts = [row for row, cut in chosen if cut]
    scores = []
    for row, own in enumerate(clip.masks):
        shot = sum(row >= start for start in starts)
        same = [key for (key, _), number in zip(chosen, shots, strict=True) if number == shot]
        nearest = min(same or [0], key=lambda key: abs(key - row))
        scores.append(score_frame(own, clip.masks[nearest]))
    return scores, len(chosen)


def rates() -> Iterator[tuple[str, KeyFrameRate]]:
    """Rates to compare, by name."""
    for fps in FIXED:
        yield f"{fps:g} a second", KeyFrameRate.of(fps)
    for shortest, longest in SPANS:
        for change in CHANGES:
            rate = KeyFrameRate(shortest, longest, change)
            name = f"{shortest:g} s to {longest:g} s, change {change:g}"
            yield name + " (auto)" * (rate == KeyFrameRate()), rate


def compare(clips: Sequence[Clip]) -> list[list[str]]:
    """Rows of the table: rate, key frames a second, mean IoU, tenth percentile, CPU ms a second."""
    rows, seconds = [], sum(len(clip.masks) for clip in clips) * GRID
    for name, rate in rates():
        began = time.process_time()
        found = [score_clip(clip, rate) for clip in clips]
        cost = 1000 * (time.process_time() - began) / seconds
        scores = [score for each, _ in found for score in each]
        count = sum(number for _, number in found) / seconds
        low = float(np.quantile(scores, 0.1))
        rows.append([name, f"{count:.2f}", f"{np.mean(scores):.4f}", f"{low:.3f}", f"{cost:.0f}"])
    return rows


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=Path, required=True, help="folder of clips")
    parser.add_argument("--every", type=int, default=10, help="every how many of the clips")
    parser.add_argument("--cache", type=Path, help="folder where masks are kept between runs")
    parser.add_argument("--write", type=Path, help="page whose section key frames is replaced")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with errors_in_one_line():
        model = load("tiny")
        paths = sorted(options.videos.glob("*.mp4"))[:: options.every]
        clips = [load_clip(model, path, options.cache) for path in paths]
    heads = ["rate", "key frames a second", "mean IoU", "tenth percentile", "CPU ms a second"]
    lines = [f"{len(clips)} clips.", "", *table(heads, compare(clips))]
    publish(lines, options.write, "key frames")


if __name__ == "__main__":
    main()
