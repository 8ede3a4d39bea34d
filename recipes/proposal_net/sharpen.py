"""The second stage: what sharpens mask features at stride 2 learns, and all else stays as it is.

Nothing of the first stage moves, so scores, order and suppression stay too; only outlines change.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recipes.common.object_scenes import Rng, Scene
from recipes.proposal_net.loss import compute_fine_loss, true_masks
from recipes.proposal_net.phase import TrainingPhase
from seac.segment.proposal_net.model import FINE_STRIDE, MASK_STRIDE, ProposalNet
from seac.segment.proposal_net.network import normalise, stored_weights

SIDE, BATCH = 288, 4
RATE, WARM, KEEP = 4e-3, 10, 0.95
PREFIX = "sharpen."


def batch(
    painter: Callable[[Rng], Scene], size: int, seed: int, step: int, stride: int = MASK_STRIDE
) -> tuple[Tensor, list[Tensor]]:
    """Pictures (B, 3, S, S) uint8 of a step, and their masks; a function of seed and step alone."""
    rng = np.random.default_rng((seed, step))
    scenes = [painter(rng) for _ in range(size)]
    pixels = torch.from_numpy(np.stack([s.image for s in scenes])).permute(0, 3, 1, 2)
    masks = [true_masks(torch.from_numpy(s.owner), s.count, stride=stride) for s in scenes]
    return pixels, masks


def to_network_input(pixels: Tensor, device: str) -> Tensor:
    """Pictures of a batch as the network takes them, on its device."""
    return normalise(pixels.to(device).float()).contiguous(memory_format=torch.channels_last)


def load_first_stage(first: Path) -> ProposalNet:
    """The network of the first stage, its sharpening fresh and the only part that learns."""
    network = ProposalNet()
    stored = {name: value for name, value in stored_weights(first).items() if not name.startswith(PREFIX)}
    fresh = {k: v for k, v in network.state_dict().items() if k.startswith(PREFIX)}
    network.load_state_dict(stored | fresh)
    network.requires_grad_(False).eval()
    network.sharpen.requires_grad_(True).train()
    return network.to(memory_format=torch.channels_last)


def train_sharpening(
    first: Path, painter: Callable[[Rng], Scene], steps: int, seed: int, device: str = "cpu"
) -> dict[str, Tensor]:
    """Weights of the whole network after ``steps`` of the second stage, what was learned averaged."""
    torch.manual_seed(seed)
    network = load_first_stage(first).to(device)
    optimiser = torch.optim.AdamW(network.sharpen.parameters(), lr=RATE, weight_decay=0.02)
    phase = TrainingPhase(network.sharpen, optimiser, steps, warm=WARM, keep=KEEP)
    sum_of_losses = 0.0
    for step in range(steps):
        pixels, masks = batch(painter, BATCH, seed, step, FINE_STRIDE)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        cells = network(to_network_input(pixels, device))
        loss = compute_fine_loss(
            cells, network.fine_features(cells), [m.to(device) for m in masks], generator
        )
        phase.learn(step, loss)
        sum_of_losses += loss.item()
        if (step + 1) % 10 == 0:
            print(f"sharpen {step + 1}/{steps} loss {sum_of_losses / 10:.3f}", flush=True)
            sum_of_losses = 0.0
    return network.state_dict() | {PREFIX + name: value for name, value in phase.average.items()}
