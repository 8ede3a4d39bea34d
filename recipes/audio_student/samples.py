"""What the teacher said of many mixtures, kept in arrays on disk that grow while the student learns."""

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
    """n lessons: ``logmel`` (n, 96, 64), ``class_probabilities`` (n, 521), ``embedding`` (n, 1024), all float16."""

    logmel: NDArray[np.float16]
    class_probabilities: NDArray[np.float16]
    embedding: NDArray[np.float16]


def label_mixtures(mixtures: Sequence[Mixture], teacher: Teacher) -> TeacherSamples:
    """What the teacher says of mixtures, and of each of their sounds alone, as far as it is heard."""
    labelled = TeacherSamples(*(np.zeros((len(mixtures), *shape), np.float16) for shape in COLUMNS.values()))
    for row, mixed in enumerate(mixtures):
        class_probabilities, embedding = teacher(mixed.waveform)
        for part, audibility in zip(mixed.parts, mixed.audibility, strict=True):
            probabilities_alone, embedding_alone = teacher(part)
            class_probabilities = np.maximum(class_probabilities, audibility * probabilities_alone)
            embedding = np.maximum(embedding, audibility * embedding_alone)
        labelled.class_probabilities[row], labelled.embedding[row] = class_probabilities, embedding
    labelled.logmel[:] = LogMel()(torch.from_numpy(np.stack([mixed.waveform for mixed in mixtures]))).numpy()
    return labelled


def shards(folder: Path) -> list[Path]:
    """Finished shards, in order."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir())


def read(shard: Path) -> TeacherSamples:
    """A shard, mapped from disk."""
    return TeacherSamples(*(np.load(shard / f"{name}.npy", mmap_mode="r") for name in COLUMNS))


def write(shard: Path, samples: TeacherSamples) -> None:
    """Save a shard, whole or not at all."""
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
    """Render shards up to ``count`` lessons; those that are there already are left.

    Args:
        groups: what mixtures are made of.
        teacher: labels them.
        folder: where shards go.
        count: lessons in all.
        seed: shard k draws from (seed, k), so any process may render any shard.
        part: (i, n): this process renders every n-th shard, from the i-th.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(part[0], -(-count // SHARD), part[1]):
        shard = folder / f"{number:05d}"
        if shard.is_dir():
            continue
        began = time.time()
        random = np.random.default_rng((seed, number))
        write(shard, label_mixtures([render_mixture(groups, random) for _ in range(SHARD)], teacher))
        print(json.dumps({"shard": number, "seconds": round(time.time() - began, 1)}), flush=True)


def write_held_out(recordings: Sequence[Path], teacher: Teacher, folder: Path, max_windows: int = 12) -> None:
    """Lessons of recordings as they are, ``folder/exam``, at most so many windows of each."""
    if (folder / "held_out").is_dir():
        return
    windows = [windows_of(load_waveform(path), WINDOW, WINDOW // 2)[:max_windows] for path in recordings]
    write(
        folder / "held_out",
        label_mixtures([single_source(window) for window in torch.cat(windows).numpy()], teacher),
    )
