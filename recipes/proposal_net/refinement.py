"""The last stage: what draws masks anew in views of their own learns, and all else stays as it is.

Scenes are seen as a user's frames are: larger than the network's input or smaller. The masks that the
network keeps of them, with all their errors, are the coarse ones to start from; each shall become the
visible part that it overlaps most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from recipes.common.object_scenes import Rng, Scene
from recipes.proposal_net.loss import compute_refinement_loss
from recipes.proposal_net.phase import TrainingPhase, iterate_batches, move_to_device
from seac.segment.ops import pairwise_iou, resize_image
from seac.segment.proposal_net.model import FINE_STRIDE, ProposalNet
from seac.segment.proposal_net.network import (
    NetworkSettings,
    best_locations,
    decode_locations,
    normalise,
    refinement_inputs,
    views_of,
)
from seac.segment.proposal_net.refinement_head import VIEW, roi_align_views

SIDE, INPUT_SIDE = 320, 288  # pixels of a scene, and of the network's input
FRAMES = (192, 224, 256, 320, 320)  # sides of the frames in which scenes are seen
SCENES = 4
PROPOSAL_SETTINGS = NetworkSettings(max_masks=10, max_locations=100, overlap=0.7)
MIN_AREA, MIN_IOU = 80, 0.3
WIDE = 1.7  # margin of the views: with that of use, 1.2, it learned worse
RATE, WARM, KEEP = 3e-3, 40, 0.995
EVERY = 50


@dataclass(frozen=True)
class RefinementBatch:
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
def make_refinement_batch(
    network: ProposalNet, painter: Callable[[Rng], Scene], seed: int, step: int
) -> RefinementBatch | None:
    """Views of the masks of a step's scenes, a function of seed, step and weights; None if there are none."""
    random = np.random.default_rng((seed, step))
    found = [part for _ in range(SCENES) if (part := _scene_views(network, painter, random)) is not None]
    if not found:
        return None
    return RefinementBatch(*(torch.cat(each) for each in zip(*found, strict=True)))


def _scene_views(
    network: ProposalNet, painter: Callable[[Rng], Scene], random: Rng
) -> tuple[Tensor, ...] | None:
    scene = painter(random)
    side = int(random.choice(FRAMES))
    frame = resize_image(torch.from_numpy(scene.image.copy()).permute(2, 0, 1), side, side)
    pixels = normalise(resize_image(frame, INPUT_SIDE, INPUT_SIDE))[None]
    cells = network(pixels.contiguous(memory_format=torch.channels_last))
    kept, _ = best_locations(cells, PROPOSAL_SETTINGS)
    fine = network.fine_features(cells)
    coarse = decode_locations(cells, kept, fine[0], FINE_STRIDE)
    coarse = coarse[coarse.amax((1, 2)) > 0]
    truth = F.one_hot(torch.from_numpy(scene.owner) + 1, scene.count + 1)[..., 1:].permute(2, 0, 1).float()
    truth = truth[truth.sum((1, 2)) >= MIN_AREA]
    if len(coarse) == 0 or len(truth) == 0:
        return None
    small = F.interpolate(truth[None], coarse.shape[-2:], mode="area")[0]
    iou = pairwise_iou(torch.cat([coarse > 0, small > 0.5]).flatten(1))[: len(coarse), len(coarse) :]
    best, which = iou.max(1)
    coarse, which = coarse[best >= MIN_IOU], which[best >= MIN_IOU]
    if len(coarse) == 0:
        return None
    views = jitter_views(views_of(coarse, WIDE), random)
    coarse = coarse * float(np.exp(random.uniform(-0.4, 0.4)))
    target = roi_align_views(truth[:, None], which, views, VIEW, 3)[:, 0].clamp(0, 1)
    return *refinement_inputs(normalise(frame)[None], coarse, fine, cells.context, views), target


def jitter_views(views: Tensor, random: Rng) -> Tensor:
    """Views (N, 4) moved and stretched a little."""
    side = views[:, 2:] - views[:, :2]
    shift = torch.from_numpy(random.uniform(-0.08, 0.08, (len(views), 4))).float()
    return views + shift * torch.cat([side, side], 1)


def train_refinement(
    network: ProposalNet,
    painter: Callable[[Rng], Scene],
    steps: int,
    seed: int,
    run: Path,
    workers: int = 0,
    device: str = "cpu",
) -> dict[str, Tensor]:
    """Weights of ``network.refine`` after ``steps``, averaged; checkpoints in ``run``, resumed from.

    Lessons are made on the CPU, by the workers; on ``device`` is what learns.
    """
    torch.manual_seed(seed)
    network.requires_grad_(False).eval()
    student = deepcopy(network.refine).to(device).requires_grad_(True).train()
    optimiser = torch.optim.AdamW(student.parameters(), lr=RATE, weight_decay=0.02)
    phase = TrainingPhase(student, optimiser, steps, warm=WARM, keep=KEEP, checkpoint=run / "outline.pt")
    batch_maker = partial(make_refinement_batch, network, painter, seed)
    start, metric_sums = time.monotonic(), np.zeros(4)
    for step, given in enumerate(
        iterate_batches(batch_maker, range(phase.first, steps), workers), phase.first
    ):
        if given is None:
            continue
        given = move_to_device(given, device)
        logits = student(given.colours, given.coarse, given.features, given.context)
        loss = compute_refinement_loss(logits, given.target)
        phase.learn(step, loss)
        before = F.interpolate(given.coarse, scale_factor=2.0, mode="bilinear", align_corners=False)[:, 0]
        real = given.target > 0.5
        metric_sums += [
            loss.item(),
            len(real),
            _mean_paired_iou(before > 0, real),
            _mean_paired_iou(logits > 0, real),
        ]
        if (step + 1) % EVERY == 0:
            each = (time.monotonic() - start) / (step + 1 - phase.first)
            total, many, old, new = metric_sums / EVERY
            print(
                f"outline {step + 1}/{steps} loss {total:.3f} views {many:.1f} iou {old:.3f} -> {new:.3f} "
                f"{each:.2f} s",
                flush=True,
            )
            metric_sums[:] = 0
            phase.save(step)
    return phase.average


def _mean_paired_iou(masks: Tensor, real: Tensor) -> float:
    """Mean IoU of masks with those of the same row."""
    both, either = (masks & real).sum((1, 2)), (masks | real).sum((1, 2))
    return float((both / either.clamp_min(1)).mean())
