"""Training of the student on mixtures: cross-entropies of the class probabilities and of their ranking.

The student starts from mn04. Its batch norms keep the statistics of mn04, and the first blocks keep its
weights: they are half the computation, and what they detect is not specific to a class.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from recipes.audio_student.mixtures import Mixer
from recipes.audio_student.teacher import to_logits
from seac.encoders.audio.mobilenet_student import MobileNetStudentNetwork
from seac.encoders.audio.preemphasis_log_mel import PreemphasisLogMel
from seac.training.ema import ExponentialMovingAverage
from seac.training.schedule import adamw, rate_factor, set_rates

WARMUP = 0.05
"""Warm-up as a share of the wall time."""
Metrics = dict[str, float]


@dataclass(frozen=True)
class Schedule:
    """Settings of a training.

    Attributes:
        minutes: wall time; the learning rate is a function of it, so that it decays on any machine.
        batch: samples per step.
        rate: peak learning rate.
        decay: weight decay.
        average: decay of the exponential moving average of the weights, per step.
        frozen: number of blocks that keep their weights, with the stem.
        evaluate_every: minutes between two evaluations.
        seed: seed of the mixtures.
    """

    minutes: float = 40.0
    batch: int = 32
    rate: float = 7e-4
    decay: float = 0.01
    average: float = 0.995
    frozen: int = 4
    evaluate_every: float = 4.0
    seed: int = 0


class MixtureBatches(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless batches of log-mel frames (n, 128, 200) and targets (n, 521).

    Args:
        mixer: renders the mixtures.
        batch: samples per batch.
        seed: seed of the mixtures.
    """

    def __init__(self, mixer: Mixer, batch: int, seed: int) -> None:
        self.mixer, self.batch, self.seed = mixer, batch, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        random, front = np.random.default_rng(self.seed), PreemphasisLogMel()
        while True:
            mixtures = [self.mixer(random) for _ in range(self.batch)]
            waveforms = np.stack([mixture.waveform for mixture in mixtures])
            targets = np.stack([mixture.target for mixture in mixtures])
            yield front(torch.from_numpy(waveforms)), torch.from_numpy(targets)


def compute_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Loss of class logits (n, 521) for target probabilities (n, 521)."""
    binary = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(1).mean()
    ranking = functional.cross_entropy(logits, to_logits(target).softmax(1))
    return binary + ranking


def freeze(network: MobileNetStudentNetwork, blocks: int) -> None:
    """Freeze the stem, the first ``blocks`` blocks, and the statistics of all batch norms."""
    for part in (network.stem, *network.blocks[:blocks]):
        part.requires_grad_(requires_grad=False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def train_student(
    start: MobileNetStudentNetwork,
    mixer: Mixer,
    out: Path,
    schedule: Schedule,
    evaluate: Callable[[MobileNetStudentNetwork], Metrics],
) -> MobileNetStudentNetwork:
    """Train for the time of the schedule, from the checkpoint in ``out`` if there is one.

    Args:
        start: network with the initial weights.
        mixer: renders the training samples, in another process.
        out: folder of the checkpoint, of the best average so far (``best.pt``) and of ``log.jsonl``.
        schedule: settings.
        evaluate: metrics of a network; the average with the highest ``"score"`` is kept.

    Returns:
        the network with the best moving average of the weights.
    """
    torch.manual_seed(schedule.seed)
    network = copy.deepcopy(start).train().requires_grad_(requires_grad=True)
    network = network.to(memory_format=torch.channels_last)
    freeze(network, schedule.frozen)
    average = ExponentialMovingAverage(network, schedule.average)
    averaged = copy.deepcopy(network)
    optimizer = adamw(
        [value for value in network.parameters() if value.requires_grad], schedule.rate, schedule.decay
    )
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, steps, spent, best = out / "checkpoint.pt", 0, 0.0, -1.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        average.load(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        steps, spent, best = state["steps"], state["spent"], state["best"]
    loader = DataLoader(
        MixtureBatches(mixer, schedule.batch, schedule.seed + steps), None, num_workers=1, prefetch_factor=16
    )
    total, running, evaluated = schedule.minutes * 60, 0.0, spent
    batches = iter(loader)
    began = time.monotonic() - spent
    while (now := time.monotonic() - began) < total:
        logmel, target = next(batches)
        set_rates(optimizer, rate_factor(now, total, WARMUP * total))
        loss = compute_loss(network(logmel)[1], target)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        steps += 1
        running = loss.item() if steps == 1 else running + 0.02 * (loss.item() - running)
        average.update(network, steps)
        now = time.monotonic() - began
        if now - evaluated > 60 * schedule.evaluate_every or now >= total:
            evaluated = now
            averaged.load_state_dict(average.state)
            metrics = evaluate(averaged.eval())
            if metrics["score"] > best:
                best = metrics["score"]
                torch.save(average.state, out / "best.pt")
            state = {"network": network.state_dict(), "average": average.state, "best": best,
                     "optimizer": optimizer.state_dict(), "steps": steps, "spent": now}  # fmt: skip
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
            line = json.dumps(
                {"steps": steps, "minutes": round(now / 60, 2), "loss": round(running, 4)} | metrics
            )
            with (out / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(line + "\n")
            print(line, flush=True)
    averaged.load_state_dict(torch.load(out / "best.pt", weights_only=True))
    return averaged.eval()
