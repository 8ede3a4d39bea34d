"""Training of the student on the teacher's class probabilities, their ranking, and the embedding.

A training phase starts from random weights or from the weights of an earlier phase; a second phase with a
lower learning rate and other samples still improves the metrics. Metrics on the held-out set are printed with
each checkpoint.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recipes.audio_student.samples import TeacherSamples, read, shards
from seac.encoders.audio.yamnet_student import YamnetStudentNetwork
from seac.training.ema import ExponentialMovingAverage
from seac.training.schedule import adamw, rate_factor, set_rates

SAVE_EVERY = 120.0
SURE = 0.3
WARMUP = 0.05
"""Warm-up as a share of the wall time of a phase."""


@dataclass(frozen=True)
class Schedule:
    """Settings of a training phase.

    Attributes:
        minutes: wall time; the learning rate is a function of it, so that it decays on any machine.
        batch: samples per step.
        rate: peak learning rate.
        decay: weight decay.
        average: decay of the exponential moving average of the weights, per step.
        seed: seed of the order of samples.
    """

    minutes: float = 50.0
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.02
    average: float = 0.999
    seed: int = 0


def compute_loss(embedding: Tensor, logits: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
    """Distillation loss: cross-entropies of the class probabilities, and distances of the embedding.

    Args:
        embedding: (n, 1024) embeddings of the student.
        logits: (n, 521) class logits of the student.
        target: class probabilities (n, 521) and embeddings (n, 1024) of the teacher.
    """
    class_probabilities, target_embedding = target
    binary = (
        functional.binary_cross_entropy_with_logits(logits, class_probabilities, reduction="none")
        .sum(1)
        .mean()
    )
    teacher_logits = torch.logit(class_probabilities.clamp(1e-4, 1 - 1e-4))
    ranking = functional.cross_entropy(logits, teacher_logits.softmax(1))
    cosine = 1 - functional.cosine_similarity(embedding, target_embedding).mean()
    smooth_l1 = functional.smooth_l1_loss(embedding, target_embedding)
    return binary + ranking + 4 * cosine + smooth_l1


class ShardSampler:
    """Samples batches from the shards read least often, shuffled over ``mixed`` shards at a time."""

    def __init__(self, folder: Path, seed: int, mixed: int = 8) -> None:
        self.folder, self.mixed = folder, mixed
        self.random = np.random.default_rng(seed)
        self.times_read: dict[str, int] = {}

    def batches(self, size: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        """The batches of the next shards."""
        while not (available := shards(self.folder)):  # the other process has not finished a shard yet
            time.sleep(5)
        order = sorted(available, key=lambda s: (self.times_read.get(s.name, 0), self.random.random()))[
            : self.mixed
        ]
        for shard in order:
            self.times_read[shard.name] = self.times_read.get(shard.name, 0) + 1
        loaded: list[TeacherSamples] = [read(shard) for shard in order]
        rows = self.random.permutation(sum(len(target.class_probabilities) for target in loaded))
        columns = [
            torch.from_numpy(np.concatenate([getattr(target, name) for target in loaded]))
            for name in ("logmel", "class_probabilities", "embedding")
        ]
        picks = [torch.from_numpy(rows[at : at + size]) for at in range(0, len(rows) - size + 1, size)]
        return [(columns[0][p], columns[1][p], columns[2][p]) for p in picks]


@torch.no_grad()
def evaluate(network: YamnetStudentNetwork, held_out: TeacherSamples) -> dict[str, float]:
    """Metrics on the held-out set: top-1 and top-5 agreement where the teacher is confident, and cosine."""
    training = network.training
    network.eval()
    logmel, class_probabilities, target_embedding = (
        torch.from_numpy(np.asarray(part, np.float32))
        for part in (held_out.logmel, held_out.class_probabilities, held_out.embedding)
    )
    embedding, logits = network(logmel)
    network.train(training)
    best, ranked, confident = (
        class_probabilities.argmax(1, keepdim=True),
        logits.topk(5).indices,
        class_probabilities.amax(1) > SURE,
    )
    return {
        "top1": round(float((ranked[:, :1] == best).any(1)[confident].float().mean()), 4),
        "top5": round(float((ranked == best).any(1)[confident].float().mean()), 4),
        "cosine": round(float(functional.cosine_similarity(embedding, target_embedding).mean()), 4),
    }


def train_student(
    folder: Path, out: Path, schedule: Schedule, start: YamnetStudentNetwork | None = None
) -> YamnetStudentNetwork:
    """Train for the time of the schedule, from the checkpoint if there is one.

    Args:
        folder: folder of training samples; shards may be added during training.
        out: folder of the checkpoint.
        schedule: settings of the phase.
        start: network with the initial weights; random weights if None.

    Returns:
        the network with the moving average of the weights.
    """
    torch.manual_seed(schedule.seed)
    network = copy.deepcopy(start or YamnetStudentNetwork()).train().requires_grad_(requires_grad=True)
    network = network.to(memory_format=torch.channels_last)
    average = ExponentialMovingAverage(network, schedule.average)
    averaged = copy.deepcopy(network)
    optimizer = adamw(network.parameters(), schedule.rate, schedule.decay)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, steps, spent = out / "checkpoint.pt", 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        average.load(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        steps, spent = state["steps"], state["spent"]
    began = saved = time.monotonic() - spent
    sampler = ShardSampler(folder, schedule.seed + steps)
    total, running = schedule.minutes * 60, 0.0
    while (now := time.monotonic() - began) < total:
        for logmel, class_probabilities, embedding in sampler.batches(schedule.batch):
            set_rates(optimizer, rate_factor(time.monotonic() - began, total, WARMUP * total))
            student_embedding, logits = network(logmel.float())
            loss = compute_loss(student_embedding, logits, (class_probabilities.float(), embedding.float()))
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            steps += 1
            running += 0.02 * (loss.item() - running)
            average.update(network, steps)
        now = time.monotonic() - began
        line = {
            "steps": steps,
            "minutes": round(now / 60, 2),
            "loss": round(running, 4),
            "shards": len(shards(folder)),
        }
        if time.monotonic() - saved > SAVE_EVERY or now >= total:
            saved = time.monotonic()
            state = {"network": network.state_dict(), "average": average.state,
                     "optimizer": optimizer.state_dict(), "steps": steps, "spent": now}  # fmt: skip
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
            averaged.load_state_dict(average.state)
            line |= evaluate(averaged, read(folder / "held_out"))
        print(json.dumps(line), flush=True)
    averaged.load_state_dict(average.state)
    return averaged
