"""Rates of reading samples, of encoding mixtures and of training steps, measured separately.

Run: ``python -m benchmarks.training STORE`` (a store of a preset; ``seac extract`` makes one). Rates are
samples per second of one core (CPU time, which excludes other load on the machine). Reading and encoding run
on a prefetch thread: with a free core, training waits only if that thread is slower.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch

from seac.associate.input_projection import InputFeatures
from seac.associate.model import AssociationModule
from seac.features import open_store
from seac.features.batch import IndexBatch, TrainingStore, index_batches
from seac.presets.spec import ModelSpec
from seac.training.collate import Collate
from seac.training.config import configured
from seac.training.frozen import Networks
from seac.training.schedule import adamw
from seac.training.step import batch_loss


def sample_indices(store: TrainingStore, batch: int, *, mixed: bool) -> IndexBatch:
    """Indices of one batch of random clips, limited by the size of the store."""
    generator = torch.Generator().manual_seed(0)
    return next(index_batches(store.proposals, batch, generator, mixing=float(mixed)))


def rate(work: Callable[[], object], samples: int, repeats: int) -> float:
    """Samples per second of CPU time, the maximum over repeats."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return samples / max(min(seconds), 1e-9)


def measure(store: TrainingStore, settings: list[str], repeats: int) -> dict[str, float]:
    """Rates by step, in samples per second of one core."""
    torch.set_num_threads(1)
    config = configured(store.preset, settings)
    encoder = Networks(ModelSpec(store.preset)).audio(store)
    zero_shot = Networks(ModelSpec(store.preset)).text_space(config)
    module = AssociationModule(config.association(store.mask_dim, store.audio_dim, zero_shot)).train()
    features = InputFeatures(module.input_projection, zero_shot, module.config.local_weight)
    prepare = Collate(store, features, config.n_masks, config.max_windows, config.group, encoder)
    unmixed, mixed = (sample_indices(store, config.batch, mixed=mixed) for mixed in (False, True))
    optimiser = adamw(module.parameters(), config.lr, config.weight_decay)
    batch = prepare(unmixed)

    def train_step() -> None:
        loss = batch_loss(module, batch, config.loss, config.false_negative_threshold)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    count = len(unmixed.clips)
    return {
        "batch": float(count),
        "reading": rate(lambda: prepare(unmixed), count, repeats),
        "reading and hearing mixtures": rate(lambda: prepare(mixed), count, repeats),
        "learning": rate(train_step, count, repeats),
    }


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("store", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    found = measure(open_store(given.store), given.set, given.repeats)
    print(json.dumps({name: round(value, 1) for name, value in found.items()}))


if __name__ == "__main__":
    main()
