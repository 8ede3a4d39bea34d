"""The last stage: what draws masks anew in views of their own learns, and all else stays as it is.

Scenes are seen as a user's frames are: larger than the network's input or smaller. The masks that the
network keeps of them, with all their errors, are the coarse ones to start from; each shall become the
visible part that it overlaps most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from seac.segment.condinst import FINE_STRIDE, ProposalNet, draw
from seac.segment.network import graded
from seac.segment.nms import pairwise_iou, suppress
from seac.segment.outline import VIEW, looked_at, surroundings
from seac.segment.resize import boxes_of
from training.proposals.loss import rims
from training.proposals.scenes import Draw, Scene

SIDE, SEEN = 320, 288  # pixels of a scene, and of the network's input
FRAMES = (192, 224, 256, 320, 320)  # sides of the frames in which scenes are seen
SCENES, KEPT, CELLS, OVERLAP = 4, 10, 100, 0.7
LEAST, LEAST_IOU = 80, 0.3
RATE, WARM, KEEP = 3e-3, 40, 0.995
EVERY = 50


@dataclass(frozen=True)
class Lesson:
    """Views (N of them) of the masks of a few scenes.

    Attributes:
        colours: (N, 3, VIEW, VIEW) normalised.
        coarse: (N, 1, VIEW / 2, VIEW / 2) logits.
        features: (N, C, VIEW / 2, VIEW / 2).
        context: (N, D, VIEW / 4, VIEW / 4).
        target: (N, VIEW, VIEW) coverage in [0, 1].
    """

    colours: Tensor
    coarse: Tensor
    features: Tensor
    context: Tensor
    target: Tensor


@torch.no_grad()
def lesson(network: ProposalNet, painter: Callable[[Draw], Scene], seed: int, step: int) -> Lesson | None:
    """Views of the masks of a step's scenes, a function of seed, step and weights; None if there are none."""
    random = np.random.default_rng((seed, step))
    found = [part for _ in range(SCENES) if (part := _of_scene(network, painter, random)) is not None]
    if not found:
        return None
    return Lesson(*(torch.cat(each) for each in zip(*found, strict=True)))


def _of_scene(
    network: ProposalNet, painter: Callable[[Draw], Scene], random: Draw
) -> tuple[Tensor, ...] | None:
    scene = painter(random)
    picture = torch.from_numpy(scene.picture.copy()).permute(2, 0, 1)[None].float()
    frame = _resized(picture, int(random.choice(FRAMES)))
    cells = network(((_resized(frame, SEEN) - 127) / 128).contiguous(memory_format=torch.channels_last))
    best = cells.logits[0].topk(CELLS).indices
    logits = draw(cells.features[0], cells.kernels[0, best], cells.centres[best], cells.strides[best])
    order = torch.argsort(graded(logits, cells.logits[0, best].sigmoid()), descending=True)
    order = order[logits[order].amax((1, 2)) > 0]
    kept = order[suppress(pairwise_iou(logits[order].flatten(1) > 0), OVERLAP, KEPT)]
    fine = network.fine(cells)
    cell = best[kept]
    coarse = draw(fine[0], cells.kernels[0, cell], cells.centres[cell], cells.strides[cell], FINE_STRIDE)
    coarse = coarse[coarse.amax((1, 2)) > 0]
    truth = F.one_hot(torch.from_numpy(scene.owner) + 1, scene.count + 1)[..., 1:].permute(2, 0, 1).float()
    truth = truth[truth.sum((1, 2)) >= LEAST]
    if len(coarse) == 0 or len(truth) == 0:
        return None
    small = F.interpolate(truth[None], coarse.shape[-2:], mode="area")[0]
    iou, which = _iou(coarse > 0, small > 0.5).max(1)
    coarse, which = coarse[iou >= LEAST_IOU], which[iou >= LEAST_IOU]
    if len(coarse) == 0:
        return None
    views = jittered(surroundings(boxes_of(coarse > 0) / coarse.shape[-1]), random)
    number, nought = torch.arange(len(coarse)), torch.zeros(len(coarse), dtype=torch.int64)
    coarse = coarse * float(np.exp(random.uniform(-0.4, 0.4)))
    return (
        looked_at((frame - 127) / 128, nought, views, VIEW, 2),
        looked_at(coarse[:, None], number, views, VIEW // 2, 2),
        looked_at(fine, nought, views, VIEW // 2, 2),
        looked_at(cells.context, nought, views, VIEW // 4, 2),
        looked_at(truth[:, None], which, views, VIEW, 3)[:, 0].clamp(0, 1),
    )


def jittered(views: Tensor, random: Draw) -> Tensor:
    """Views (N, 4) moved and stretched a little."""
    side = views[:, 2:] - views[:, :2]
    shift = torch.from_numpy(random.uniform(-0.08, 0.08, (len(views), 4))).float()
    return views + shift * torch.cat([side, side], 1)


def _resized(picture: Tensor, side: int) -> Tensor:
    return F.interpolate(picture, (side, side), mode="bilinear", antialias=True, align_corners=False)


def _iou(masks: Tensor, others: Tensor) -> Tensor:
    a, b = masks.flatten(1).float(), others.flatten(1).float()
    both = a @ b.T
    return both / (a.sum(1)[:, None] + b.sum(1)[None] - both).clamp_min(1)


def loss_of(logits: Tensor, target: Tensor) -> Tensor:
    """Dice, and cross-entropy that is heavier at outlines, of masks (N, s, s) against coverage (N, s, s)."""
    probability = logits.sigmoid()
    both = (probability * target).sum((1, 2))
    dice = 1 - 2 * both / (probability.square().sum((1, 2)) + target.square().sum((1, 2)) + 1e-3)
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return 2 * dice.mean() + (each * rims(target)).mean()


@dataclass(frozen=True)
class Lessons:
    """The lessons of a run by step, for a loader whose workers draw them while the network learns."""

    network: ProposalNet
    painter: Callable[[Draw], Scene]
    seed: int
    steps: int

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Lesson | None:
        torch.set_num_threads(1)
        return lesson(self.network, self.painter, self.seed, step)


def outlined(
    network: ProposalNet,
    painter: Callable[[Draw], Scene],
    steps: int,
    seed: int,
    run: Path,
    workers: int = 0,
) -> dict[str, Tensor]:
    """Weights of ``network.outline`` after ``steps``, averaged; checkpoints in ``run``, resumed from."""
    torch.manual_seed(seed)
    network.requires_grad_(False).eval()
    student = network.outline.requires_grad_(True).train()
    optimiser = torch.optim.AdamW(student.parameters(), lr=RATE, weight_decay=0.02)
    average = {k: v.detach().clone() for k, v in student.state_dict().items()}
    first, checkpoint = 0, run / "outline.pt"
    run.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        stored = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(stored["student"])
        optimiser.load_state_dict(stored["optimiser"])
        average, first = stored["average"], stored["step"]
    lessons: DataLoader[Lesson | None] = DataLoader(
        Lessons(network, painter, seed, steps),  # type: ignore[arg-type]  # what it needs is there
        batch_size=None,
        sampler=range(first, steps),
        num_workers=workers,
    )
    start, seen = time.monotonic(), np.zeros(4)
    for step, given in enumerate(lessons, first):
        if given is None:
            continue
        logits = student(given.colours, given.coarse, given.features, given.context)
        loss = loss_of(logits, given.target)
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARM) * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimiser.step()
        keep = min(KEEP, (step + 1) / (step + 10))
        for name, value in student.state_dict().items():
            average[name].lerp_(value, 1 - keep) if value.is_floating_point() else average[name].copy_(value)
        before = F.interpolate(given.coarse, scale_factor=2.0, mode="bilinear", align_corners=False)[:, 0]
        real = given.target > 0.5
        seen += [loss.item(), len(real), _diagonal(before > 0, real), _diagonal(logits > 0, real)]
        if (step + 1) % EVERY == 0:
            each = (time.monotonic() - start) / (step + 1 - first)
            total, many, old, new = seen / EVERY
            print(
                f"outline {step + 1}/{steps} loss {total:.3f} views {many:.1f} iou {old:.3f} -> {new:.3f} "
                f"{each:.2f} s",
                flush=True,
            )
            seen[:] = 0
            state = {
                "student": student.state_dict(),
                "optimiser": optimiser.state_dict(),
                "average": average,
                "step": step + 1,
            }
            torch.save(state, checkpoint.with_suffix(".partial"))
            checkpoint.with_suffix(".partial").replace(checkpoint)
    return average


def _diagonal(masks: Tensor, real: Tensor) -> float:
    """Mean IoU of masks with those of the same row."""
    both, either = (masks & real).sum((1, 2)), (masks | real).sum((1, 2))
    return float((both / either.clamp_min(1)).mean())
