"""Speed of random access to the store against the speed of a training step, in samples per second.

    python -m benchmarks.store --clips 1024 --document docs/extraction.md

The store is synthetic: the shapes of a preset with random, incompressible content. A sample is a random frame
of a random clip (with 50 or 20 masks), the clip's window features and, for mixing, its waveform. A step is
forward, backward and AdamW of the module with the same batch size. "cold" asks the system to drop the files
from its cache first; the system may ignore this.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pycocotools import mask as coco

from benchmarks.tables import machine, replace_section, table
from seac.associate.losses import LOSSES, Batch, Frozen, similarity_matrix
from seac.associate.model import AssociationConfig, AssociationModule
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.features import Store, open_store
from seac.features.batch import FrameBatch
from seac.features.clip_features import ClipFeatures, FrameFeatures
from seac.features.manifest import SHARDS, StoreProvenance
from seac.features.schema import payload
from seac.features.writer import StoreWriter

FRAMES, SECONDS, RATE = 5, 5, 16_000


@dataclass(frozen=True)
class Shape:
    """Feature sizes of a preset."""

    masks: int
    d_m: int
    class_probabilities: int
    windows: int
    d_a: int


SHAPES = {"tiny": Shape(20, 1280, 1000, 10, 1024), "paper": Shape(50, 1024, 0, 5, 128)}


def random_clip(number: int, shape: Shape) -> ClipFeatures:
    """A clip with the feature sizes of a preset and random content."""
    chance = torch.Generator().manual_seed(number)

    def rand(*sizes: int) -> torch.Tensor:
        return torch.rand(sizes, generator=chance)

    square = np.zeros((224, 224, 1), np.uint8, order="F")
    square[50:150, 60:170] = 1
    code = coco.encode(square)[0]["counts"]
    frames = []
    for second in range(FRAMES):
        views = [rand(shape.masks, shape.d_m).half() for _ in range(2)]
        class_probabilities = (
            [rand(shape.masks, shape.class_probabilities).half() for _ in range(2)]
            if shape.class_probabilities
            else []
        )
        boxes, scores = rand(shape.masks, 4) * 224, rand(shape.masks)
        embeddings = MaskEmbeddings(*views, *class_probabilities)
        frames.append(
            FrameFeatures(float(second), (224, 224), boxes, scores, (code,) * shape.masks, embeddings)
        )
    waveform = torch.randint(-9999, 9999, (SECONDS * RATE,), generator=chance).short()
    windows = AudioFeatures(rand(shape.windows, shape.d_a).half(), None)
    return ClipFeatures(f"{number:06}", f"{number}", None, 0.0, tuple(frames), waveform, windows)


def build(folder: Path, shape: Shape, clips: int) -> Store:
    """Write a store of synthetic clips."""
    provenance = StoreProvenance({"synthetic": "benchmarks.store"}, "tiny", shape.d_m, shape.d_a, RATE)
    with StoreWriter(folder, provenance) as writer:
        for number in range(clips):
            writer.add(payload(random_clip(number, shape)))
        writer.compact()
    return open_store(folder)


def rate(run: Callable[[int], int], rounds: int) -> float:
    """Samples per second of ``run``, a function from the round to the number of samples."""
    run(-1)
    began = time.perf_counter()
    samples = sum(run(number) for number in range(rounds))
    return samples / (time.perf_counter() - began)


def reading(store: Store, batch: int, rounds: int, *, masks: int, waveforms: bool, cold: bool) -> float:
    """Samples per second of random access."""
    chance = np.random.default_rng(0)

    def read(number: int) -> int:
        clips = chance.choice(len(store), batch, replace=False).tolist()
        frames = chance.integers(0, FRAMES, batch).tolist()
        return len(store.read(clips, frames, masks=masks, waveforms=waveforms))

    if cold:
        forget(store.folder)
    return rate(read, rounds)


def forget(folder: Path) -> None:
    """Ask the system to drop a store's files from its cache."""
    for path in (folder / SHARDS).iterdir():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def learning(batch: FrameBatch, shape: Shape, rounds: int, device: str) -> float:
    """Samples per second of repeated training steps on one batch."""
    module = AssociationModule(AssociationConfig(shape.d_m, shape.d_a)).to(device)
    optimiser = torch.optim.AdamW(module.parameters(), 1e-4)
    masks, windows = batch.mixed(0.6).to(device), batch.windows.float().to(device)
    padding, quiet = batch.mask_padding().to(device), batch.window_padding().to(device)
    groups = torch.arange(len(batch), device=device)

    def step(number: int) -> int:
        mask_embeddings, audio_embeddings, temperature = module(masks, padding, windows, quiet)
        similarity = similarity_matrix(mask_embeddings, padding, audio_embeddings)
        no_similarity = torch.zeros(len(batch), 1, device=device)
        loss = LOSSES["msa-micl"](
            Batch(similarity, groups, temperature, Frozen(no_similarity, no_similarity), 1.0)
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        if device != "cpu":
            torch.cuda.synchronize()
        return len(batch)

    return rate(step, rounds)


def measured(name: str, clips: int, batch: int, rounds: int, device: str) -> dict[str, Any]:
    """All rates for the feature sizes of a preset."""
    shape = SHAPES[name]
    with tempfile.TemporaryDirectory() as folder:
        store = build(Path(folder) / "store", shape, clips)
        began = time.perf_counter()
        store = open_store(store.folder)
        opened = time.perf_counter() - began
        size = min(batch, len(store))

        def read(*, waveforms: bool, cold: bool = False) -> float:
            return reading(store, size, rounds, masks=shape.masks, waveforms=waveforms, cold=cold)

        record = {
            "shape": name,
            "clips": len(store),
            "bytes_per_clip": store.size // len(store),
            "open_ms": round(1000 * opened, 1),
            "cold": round(read(waveforms=False, cold=True)),
            "read": round(read(waveforms=False)),
            "read_with_sound": round(read(waveforms=True)),
        }
        one = store.read(list(range(size)), [0] * size, masks=shape.masks, waveforms=False)
        record["learn"] = round(learning(one, shape, max(1, rounds // 8), device), 1)
    return {
        **record,
        "batch": size,
        "device": device,
        "threads": torch.get_num_threads(),
        "machine": machine(),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--device", default="cpu", help="device of the training step")
    parser.add_argument("--document", type=Path, help="document whose table is updated")
    parser.add_argument("--json", action="store_true", help="end standard output with one line of JSON")
    given = parser.parse_args(arguments)
    records = [measured(name, given.clips, given.batch, given.rounds, given.device) for name in SHAPES]
    heads = [
        "shape",
        "clips",
        "MB a clip",
        "open, ms",
        "cold",
        "read",
        "read with audio",
        "training",
        "machine",
    ]
    rows = [
        [
            r["shape"],
            r["clips"],
            f"{r['bytes_per_clip'] / 1e6:.2f}",
            r["open_ms"],
            *(f"{r[key]:,}" for key in ("cold", "read", "read_with_sound")),
            f"{r['learn']:,} on {r['device']}",
            r["machine"],
        ]
        for r in records
    ]
    command = " ".join(["python -m benchmarks.store", *(arguments or sys.argv[1:])])
    lines = [f"Written by `{command}`; samples per second, one thread reading.", "", *table(heads, rows)]
    print("\n".join(lines))
    if given.document:
        replace_section(given.document, "store", lines)
    if given.json:
        sys.stdout.write(json.dumps(records) + "\n")


if __name__ == "__main__":
    main()
