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
from recipes.common.mixtures import WINDOW, Mixture, alone, mixture
from recipes.common.recordings import Group
from seac.encoders.audio.log_mel import LogMel
from seac.encoders.audio.windows import windows_of
from seac.media.decode import read_sound

SHARD = 1_000
COLUMNS = {"logmel": (96, 64), "tags": (521,), "embedding": (1024,)}


@dataclass(frozen=True)
class Lessons:
    """n lessons: ``logmel`` (n, 96, 64), ``tags`` (n, 521), ``embedding`` (n, 1024), all float16."""

    logmel: NDArray[np.float16]
    tags: NDArray[np.float16]
    embedding: NDArray[np.float16]


def lessons_of(mixtures: Sequence[Mixture], teacher: Teacher) -> Lessons:
    """What the teacher says of mixtures, and of each of their sounds alone, as far as it is heard."""
    made = Lessons(*(np.zeros((len(mixtures), *shape), np.float16) for shape in COLUMNS.values()))
    for row, mixed in enumerate(mixtures):
        tags, embedding = teacher(mixed.sound)
        for part, heard in zip(mixed.parts, mixed.heard, strict=True):
            tags_alone, embedding_alone = teacher(part)
            tags = np.maximum(tags, heard * tags_alone)
            embedding = np.maximum(embedding, heard * embedding_alone)
        made.tags[row], made.embedding[row] = tags, embedding
    made.logmel[:] = LogMel()(torch.from_numpy(np.stack([mixed.sound for mixed in mixtures]))).numpy()
    return made


def shards(folder: Path) -> list[Path]:
    """Finished shards, in order."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir())


def read(shard: Path) -> Lessons:
    """A shard, mapped from disk."""
    return Lessons(*(np.load(shard / f"{name}.npy", mmap_mode="r") for name in COLUMNS))


def write(shard: Path, lessons: Lessons) -> None:
    """Save a shard, whole or not at all."""
    draft = shard.with_name(f"tmp-{shard.name}")
    draft.mkdir(parents=True, exist_ok=True)
    for name in COLUMNS:
        np.save(draft / f"{name}.npy", getattr(lessons, name))
    draft.rename(shard)


def lesson_plan(
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
        write(shard, lessons_of([mixture(groups, random) for _ in range(SHARD)], teacher))
        print(json.dumps({"shard": number, "seconds": round(time.time() - began, 1)}), flush=True)


def exam(recordings: Sequence[Path], teacher: Teacher, folder: Path, most: int = 12) -> None:
    """Lessons of recordings as they are, ``folder/exam``, at most so many windows of each."""
    if (folder / "exam").is_dir():
        return
    windows = [windows_of(read_sound(path), WINDOW, WINDOW // 2)[:most] for path in recordings]
    write(folder / "exam", lessons_of([alone(window) for window in torch.cat(windows).numpy()], teacher))
