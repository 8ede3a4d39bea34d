"""The second stage: training of the layers that sharpen mask features to stride 2.

The weights of the first stage are frozen, so that scores and non-maximum suppression do not change.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from recipes.common.object_scenes import Rng
from recipes.proposal_net.loss import compute_fine_loss
from recipes.proposal_net.phase import TUNING, WEIGHT_DECAY, TrainingPhase
from recipes.proposal_net.samples import Sample, coverage, draw_samples, stack_images
from seac.segment.proposal_net.model import FINE_STRIDE, ProposalNet
from seac.segment.proposal_net.network import normalise_pixels, stored_weights
from seac.training.schedule import adamw

SIDE, BATCH = 288, 4
RATE, WARM, KEEP = 4e-3, 10, 0.95
PREFIX = "sharpen."


def to_network_input(pixels: Tensor, device: str) -> Tensor:
    """Normalise images (B, 3, S, S) and move them to the device of the network."""
    return normalise_pixels(pixels.to(device).float()).contiguous(memory_format=torch.channels_last)


def load_first_stage(first: Path, fresh: bool) -> ProposalNet:
    """The network of the first stage; only its sharpening layers, new if ``fresh``, are trainable."""
    network = ProposalNet()
    stored = stored_weights(first)
    if fresh:
        stored |= {k: v for k, v in network.state_dict().items() if k.startswith(PREFIX)}
    network.load_state_dict(stored)
    network.requires_grad_(False).eval()
    network.sharpen.requires_grad_(True).train()
    return network.to(memory_format=torch.channels_last)


def train_sharpening(
    first: Path,
    source: Callable[[Rng], Sample],
    steps: int,
    seed: int,
    device: str = "cpu",
    *,
    fresh: bool = True,
) -> dict[str, Tensor]:
    """Train the second stage for ``steps`` and return the state dict of the network with averaged weights.

    Args:
        first: weights of the first stage.
        source: draws samples.
        steps: number of steps.
        seed: of the samples and of new layers.
        device: device for training.
        fresh: start from new layers, and not from those in ``first``.
    """
    torch.manual_seed(seed)
    network = load_first_stage(first, fresh).to(device)
    rate = RATE if fresh else RATE * TUNING
    optimiser = adamw(network.sharpen.parameters(), rate, WEIGHT_DECAY)
    phase = TrainingPhase(network.sharpen, optimiser, steps, warm=WARM, keep=KEEP)
    sum_of_losses = 0.0
    for step in range(steps):
        samples = draw_samples(source, BATCH, seed, step)
        pixels, masks = stack_images(samples), [coverage(each.masks, FINE_STRIDE) for each in samples]
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        locations = network(to_network_input(pixels, device))
        loss = compute_fine_loss(
            locations, network.fine_features(locations), [m.to(device) for m in masks], generator
        )
        phase.learn(step, loss)
        sum_of_losses += loss.item()
        if (step + 1) % 10 == 0:
            print(f"sharpen {step + 1}/{steps} loss {sum_of_losses / 10:.3f}", flush=True)
            sum_of_losses = 0.0
    return network.state_dict() | {PREFIX + name: value for name, value in phase.average.items()}
