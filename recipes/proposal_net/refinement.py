"""The last stage: training of the mask refinement head, with the rest of the network frozen.

Scenes are resized to several frame sizes, larger and smaller than the input of the network. The inputs are
the masks that the network predicts for the scenes. The target of a mask is the visible part with the highest
IoU.
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

from recipes.common.object_scenes import Rng
from recipes.proposal_net.loss import compute_refinement_loss
from recipes.proposal_net.phase import TUNING, WEIGHT_DECAY, TrainingPhase, iterate_batches, move_to_device
from recipes.proposal_net.samples import Sample
from seac.segment.ops import pairwise_iou, resize_image
from seac.segment.proposal_net.model import FINE_STRIDE, ProposalNet
from seac.segment.proposal_net.network import (
    NetworkSettings,
    best_locations,
    decode_locations,
    normalise_pixels,
    refinement_inputs,
    views_of,
)
from seac.segment.proposal_net.refinement_head import VIEW, roi_align_views
from seac.training.schedule import adamw

SIDE, INPUT_SIDE = 320, 288  # pixels of a scene, and of the network's input
FRAMES = (192, 224, 256, 320, 320)  # sides of the frames that scenes are resized to
SCENES = 4
PROPOSAL_SETTINGS = NetworkSettings(max_masks=10, max_locations=100, overlap=0.7)
MIN_AREA, MIN_IOU = 80, 0.3
WIDE = 1.7  # margin of the views; training with the inference margin of 1.2 was worse
RATE, WARM, KEEP = 3e-3, 40, 0.995
EVERY = 50
PREFIX = "refine."


@dataclass(frozen=True)
class RefinementBatch:
    """N views of the masks of several scenes.

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
    network: ProposalNet, painter: Callable[[Rng], Sample], seed: int, step: int
) -> RefinementBatch | None:
    """The batch of a step, a function of seed, step and weights; None if no mask matches the ground truth."""
    random = np.random.default_rng((seed, step))
    found = [part for _ in range(SCENES) if (part := _scene_views(network, painter, random)) is not None]
    if not found:
        return None
    return RefinementBatch(*(torch.cat(each) for each in zip(*found, strict=True)))


def _scene_views(
    network: ProposalNet, painter: Callable[[Rng], Sample], random: Rng
) -> tuple[Tensor, ...] | None:
    scene = painter(random)
    side = int(random.choice(FRAMES))
    frame = resize_image(torch.from_numpy(scene.image.copy()).permute(2, 0, 1), side, side)
    pixels = normalise_pixels(resize_image(frame, INPUT_SIDE, INPUT_SIDE))[None]
    locations = network(pixels.contiguous(memory_format=torch.channels_last))
    kept, _ = best_locations(locations, PROPOSAL_SETTINGS)
    fine = network.fine_features(locations)
    coarse = decode_locations(locations, kept, fine[0], FINE_STRIDE)
    coarse = coarse[coarse.amax((1, 2)) > 0]
    truth = torch.from_numpy(scene.masks).float()
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
    return *refinement_inputs(normalise_pixels(frame)[None], coarse, fine, locations.context, views), target


def jitter_views(views: Tensor, random: Rng) -> Tensor:
    """Shift and scale views (N, 4) at random by up to 8 % of their sides."""
    side = views[:, 2:] - views[:, :2]
    shift = torch.from_numpy(random.uniform(-0.08, 0.08, (len(views), 4))).float()
    return views + shift * torch.cat([side, side], 1)


def train_refinement(
    network: ProposalNet,
    painter: Callable[[Rng], Sample],
    steps: int,
    seed: int,
    run: Path,
    workers: int = 0,
    device: str = "cpu",
    *,
    fresh: bool = True,
    minutes: float | None = None,
) -> dict[str, Tensor]:
    """Train ``network.refine`` for ``steps`` and return its averaged weights; ``run`` holds the checkpoint.

    Batches are computed on the CPU by the workers; the refinement head is trained on ``device``. Without
    ``fresh``, the head has been trained before, and the learning rate is lower. The training ends after
    ``minutes`` if that is before the last step.
    """
    torch.manual_seed(seed)
    network.requires_grad_(False).eval()
    student = deepcopy(network.refine).to(device).requires_grad_(True).train()
    optimiser = adamw(student.parameters(), RATE if fresh else RATE * TUNING, WEIGHT_DECAY)
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
        progress = (time.monotonic() - start) / 60 / minutes if minutes else 0.0
        phase.learn(step, loss, progress)
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
                f"refinement {step + 1}/{steps} loss {total:.3f} views {many:.1f} "
                f"iou {old:.3f} -> {new:.3f} {each:.2f} s",
                flush=True,
            )
            metric_sums[:] = 0
            phase.save(step)
        if progress >= 1:
            break
    return phase.average


def _mean_paired_iou(masks: Tensor, real: Tensor) -> float:
    """Mean IoU of masks (N, H, W) with ``real`` (N, H, W), row by row."""
    both, either = (masks & real).sum((1, 2)), (masks | real).sum((1, 2))
    return float((both / either.clamp_min(1)).mean())
