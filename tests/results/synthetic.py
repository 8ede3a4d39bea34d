"""Synthetic results of videos, by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seac.results.rle import encode_rle
from seac.results.values import AudioSteps, KeyFrame, StoredTrack, VideoInfo
from seac.results.writer import ResultWriter

LABELS = ("background", "dog", "cat", "piano")
AUDIO_LABELS = ("Dog", "Cat", "Piano", "Wind")
SIZE = (24, 32)


def make_info(duration: float = 4.0, source: str = "clip.mp4", *, frames: int = 100) -> VideoInfo:
    return VideoInfo(source, source, False, SIZE, SIZE, duration, 25.0, frames)


def make_masks(rng: np.random.Generator, count: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Ellipses (count, H, W) bool; each has at least a pixel."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    y, x = rng.uniform(0, size[0], count), rng.uniform(0, size[1], count)
    height = rng.uniform(2, size[0] / 2, (count, 1, 1))
    width = rng.uniform(2, size[1] / 2, (count, 1, 1))
    return ((rows - y[:, None, None]) / height) ** 2 + ((columns - x[:, None, None]) / width) ** 2 <= 1


def make_key_frame(
    rng: np.random.Generator, index: int, time: float, tracks: np.ndarray, size: tuple[int, int] = SIZE
) -> KeyFrame:
    """A key frame with a mask of each of ``tracks`` (N,) int64."""
    count = len(tracks)
    return KeyFrame(
        index,
        time,
        bool(rng.integers(2)),
        encode_rle(make_masks(rng, count, size)),
        rng.uniform(0, 20, (count, 4)).astype(np.float32),
        *(rng.uniform(size=count).astype(np.float32) for _ in range(3)),
        tracks.astype(np.int64),
        rng.integers(0, len(LABELS), count),
    )


def make_steps(rng: np.random.Generator, frames: list[KeyFrame], every: int = 5, k: int = 3) -> AudioSteps:
    """Steps, ``every`` for each key frame; a track sounds for several steps together."""
    steps = every * len(frames)
    probability = []
    for step in range(steps):
        frame = frames[step // every]
        phase = np.sin(step / 3 + frame.tracks * 1.7) / 2 + 0.5
        probability.append(np.clip(phase + rng.normal(0, 0.1, len(frame)), 0, 1).astype(np.float32))
    return AudioSteps(
        level=rng.uniform(-120, 0, steps).astype(np.float32),
        silent=rng.uniform(size=steps) < 0.1,
        noise=rng.uniform(size=steps) < 0.05,
        sources=np.stack([rng.permutation(len(AUDIO_LABELS))[:k] for _ in range(steps)])
        if steps
        else np.zeros((0, k), np.int64),
        source_probabilities=rng.uniform(size=(steps, k)).astype(np.float32),
        key_frame=np.arange(steps) // every,
        probability=tuple(probability),
    )


def make_tracks(rng: np.random.Generator, count: int, dim: int = 8) -> list[StoredTrack]:
    found = []
    for number in range(count):
        embedding = rng.normal(size=dim)
        found.append(
            StoredTrack(
                number,
                0.0,
                4.0,
                (embedding / np.linalg.norm(embedding)).astype(np.float32),
                rng.uniform(size=len(LABELS) - 1).astype(np.float32),
            )
        )
    return found


def make_values(
    seed: int = 0, frames: int = 8, tracks: int = 4
) -> tuple[list[KeyFrame], AudioSteps, list[StoredTrack]]:
    """Key frames, steps and tracks of a video with 2 key frames per second."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(frames):
        present = np.flatnonzero(rng.uniform(size=tracks) < 0.8)
        found.append(make_key_frame(rng, number * 12, number / 2, rng.permutation(present)))
    return found, make_steps(rng, found), make_tracks(rng, tracks)


def write_result(
    folder: Path,
    values: tuple[list[KeyFrame], AudioSteps, list[StoredTrack]] | None = None,
    info: VideoInfo | None = None,
) -> Path:
    """Write a result; by default that of :func:`make_values`."""
    frames, steps, tracks = values or make_values()
    with ResultWriter(
        folder,
        info or make_info(len(steps) / 10),
        LABELS,
        AUDIO_LABELS,
        threshold=0.5,
        settings={"fps": 2.0},
        provenance={"weights": {"vision": "1"}},
    ) as writer:
        for frame in frames:
            writer.add_key_frame(frame)
        writer.add_steps(steps)
        writer.close(tracks)
    return folder
