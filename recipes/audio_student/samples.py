"""Training samples: mixtures labelled by the teacher, in shards of arrays on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.audio_student.teacher import Teacher
from recipes.common.mixtures import WINDOW, Mixture, render_mixture, single_source
from recipes.common.recordings import Group
from seac.encoders.audio.log_mel import LogMel
from seac.encoders.audio.windows import windows_of
from seac.media.decode import load_waveform

SHARD = 1_000
COLUMNS = {"logmel": (96, 64), "class_probabilities": (521,), "embedding": (1024,)}


@dataclass(frozen=True)
class TeacherSamples:
    """n training samples.

    Attributes:
        logmel: (n, 96, 64) float16 log-mel spectrograms.
        class_probabilities: (n, 521) float16 class probabilities of the teacher.
        embedding: (n, 1024) float16 embeddings of the teacher.
    """

    logmel: NDArray[np.float16]
    class_probabilities: NDArray[np.float16]
    embedding: NDArray[np.float16]


def label_mixtures(mixtures: Sequence[Mixture], teacher: Teacher) -> TeacherSamples:
    """Label mixtures by the teacher: the maximum over the mixture and its sources, weighted by audibility."""
    samples = TeacherSamples(*(np.zeros((len(mixtures), *shape), np.float16) for shape in COLUMNS.values()))
    for row, mixed in enumerate(mixtures):
        class_probabilities, embedding = teacher(mixed.waveform)
        for part, audibility in zip(mixed.parts, mixed.audibility, strict=True):
            source_probabilities, source_embedding = teacher(part)
            class_probabilities = np.maximum(class_probabilities, audibility * source_probabilities)
            embedding = np.maximum(embedding, audibility * source_embedding)
        samples.class_probabilities[row], samples.embedding[row] = class_probabilities, embedding
    samples.logmel[:] = LogMel()(torch.from_numpy(np.stack([mixed.waveform for mixed in mixtures]))).numpy()
    return samples


def shards(folder: Path) -> list[Path]:
    """List the complete shards in order."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir())


def read(shard: Path) -> TeacherSamples:
    """Open a shard as memory-mapped arrays."""
    return TeacherSamples(*(np.load(shard / f"{name}.npy", mmap_mode="r") for name in COLUMNS))


def write(shard: Path, samples: TeacherSamples) -> None:
    """Write a shard atomically."""
    temporary = shard.with_name(f"tmp-{shard.name}")
    temporary.mkdir(parents=True, exist_ok=True)
    for name in COLUMNS:
        np.save(temporary / f"{name}.npy", getattr(samples, name))
    temporary.rename(shard)


def render_shards(
    groups: Sequence[Group],
    teacher: Teacher,
    folder: Path,
    count: int,
    seed: int,
    part: tuple[int, int] = (0, 1),
) -> None:
    """Render shards up to ``count`` samples; existing shards are kept.

    Args:
        groups: recordings for the mixtures.
        teacher: labels the mixtures.
        folder: destination of the shards.
        count: total number of samples.
        seed: shard k is seeded by (seed, k), so that any process may render any shard.
        part: (i, n): this process renders every n-th shard, starting with the i-th.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(part[0], -(-count // SHARD), part[1]):
        shard = folder / f"{number:05d}"
        if shard.is_dir():
            continue
        start = time.time()
        random = np.random.default_rng((seed, number))
        write(shard, label_mixtures([render_mixture(groups, random) for _ in range(SHARD)], teacher))
        print(json.dumps({"shard": number, "seconds": round(time.time() - start, 1)}), flush=True)


def write_held_out(recordings: Sequence[Path], teacher: Teacher, folder: Path, max_windows: int = 12) -> None:
    """Write the held-out set ``folder/held_out``: up to ``max_windows`` unmixed windows of each recording."""
    if (folder / "held_out").is_dir():
        return
    windows = [windows_of(load_waveform(path), WINDOW, WINDOW // 2)[:max_windows] for path in recordings]
    write(
        folder / "held_out",
        label_mixtures([single_source(window) for window in torch.cat(windows).numpy()], teacher),
    )
