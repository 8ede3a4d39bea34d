"""Encode training frames to shards; complete shards are kept, and processes share the work by number."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Protocol

import torch

from recipes.sounding.frames import AnnotatedFrame, encode_frame, is_complete, write_shard
from seac.pipeline import SeAC

SHARD = 50


class Frames(Protocol):
    """A sequence of annotated frames."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> AnnotatedFrame: ...


def extract(model: SeAC, frames: Frames, folder: Path, part: tuple[int, int] = (0, 1)) -> None:
    """Encode frames to ``folder``.

    Args:
        model: its segmenter and image encoder.
        frames: what to encode.
        folder: of the shards.
        part: (i, n): this process encodes every n-th shard, from the i-th.
    """
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(part[0], -(-len(frames) // SHARD), part[1]):
        path = folder / f"{number:04d}.npz"
        if is_complete(path):
            continue
        start = time.monotonic()
        rows = range(number * SHARD, min((number + 1) * SHARD, len(frames)))
        write_shard(path, [encode_frame(model, frames[row]) for row in rows])
        print(
            json.dumps({"shard": f"{folder.name}/{path.name}", "s": round(time.monotonic() - start, 1)}),
            flush=True,
        )
