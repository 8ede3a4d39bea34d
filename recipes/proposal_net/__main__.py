r"""Train the proposal network on photographs with instance masks and on composite images.

    python -m recipes.proposal_net --media ../shared/data/media/train \
        --photos ../shared/data/real/photos/train --start EARLIER --seed 8 --side 288 --rate 1.2e-3 \
        --steps 2400 --minutes 58 --sharpen-steps 60 --outline-steps 400 --outline-minutes 9

This is phase 7 of the shipped weights; EARLIER are those of the phases before it, which trained on composites
alone (no ``--photos``). The model card lists all phases.

There are three stages: the network without sharpening layers and refinement head; the sharpening layers
(:mod:`recipes.proposal_net.sharpen`); the refinement head (:mod:`recipes.proposal_net.refinement`). ``--run``
holds the weights and checkpoints of each stage, from which a repeated command resumes. The averaged weights
are written to ``src/seac/assets/proposal_net.safetensors`` in half precision. ``--first FILE`` replaces the
first stage by its weights, ``--start FILE`` starts it from the weights of an earlier phase.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from recipes.common.object_scenes import Painter, Rng
from recipes.proposal_net import refinement
from recipes.proposal_net.loss import Targets, build_targets, compute_loss
from recipes.proposal_net.phase import WEIGHT_DECAY, TrainingPhase, iterate_batches, move_to_device
from recipes.proposal_net.photographs import EXACT, PhotographSamples, read_photographs
from recipes.proposal_net.precision import keep_depthwise_precision, mixed_forward
from recipes.proposal_net.refinement import PREFIX as REFINEMENT
from recipes.proposal_net.refinement import train_refinement
from recipes.proposal_net.samples import (
    CompositeSamples,
    Sample,
    coverage,
    draw_samples,
    location_weights,
    stack_images,
)
from recipes.proposal_net.sharpen import SIDE, to_network_input, train_sharpening
from seac.encoders.vision.efficientnet_lite import checkpoint_path, fuse_batch_norms, load_checkpoint
from seac.segment.proposal_net.model import MASK_STRIDE, ProposalNet
from seac.segment.proposal_net.network import stored_weights
from seac.training.schedule import adamw

ASSET = Path(__file__).resolve().parents[2] / "src" / "seac" / "assets" / "proposal_net.safetensors"
WARM, KEEP = 50, 0.995
SAVE_EVERY = 200  # steps
FROZEN_BLOCKS = 7  # low-level features, the most expensive blocks to train


def build_network(start: Path | None) -> ProposalNet:
    """The network with the weights ``start``, or with ImageNet features and an untrained neck and head."""
    network = ProposalNet()
    network.sharpen.requires_grad_(False)  # trained in later stages
    network.refine.requires_grad_(False)
    if start:
        network.load_state_dict(stored_weights(start))
    else:
        features = fuse_batch_norms(load_checkpoint(checkpoint_path()))
        known = network.backbone.state_dict()
        network.backbone.load_state_dict({k: features[k] for k in known})
    network.backbone._conv_stem.requires_grad_(False)
    for block in network.backbone._blocks[:FROZEN_BLOCKS]:
        block.requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


def build_optimiser(network: ProposalNet, rate: float) -> torch.optim.AdamW:
    """AdamW with a tenth of the learning rate for the backbone."""
    inner = [p for p in network.backbone.parameters() if p.requires_grad]
    outer = [p for n, p in network.named_parameters() if not n.startswith("backbone.")]
    groups = [{"params": inner, "lr": rate / 10}, {"params": outer, "lr": rate}]
    return adamw(groups, rate, WEIGHT_DECAY)


def export(weights: dict[str, Tensor], path: Path) -> None:
    """Write ``weights`` in half precision atomically."""
    half = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in weights.items()}
    partial = path.with_suffix(".partial")
    save_file(half, str(partial))
    partial.replace(path)


def make_batch(source: Callable[[Rng], Sample], size: int, seed: int, step: int) -> tuple[Tensor, Targets]:
    """Images (B, 3, S, S) uint8 of a step, and the targets of their locations."""
    samples = draw_samples(source, size, seed, step)
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    masks = [coverage(each.masks, MASK_STRIDE) for each in samples]
    negatives = [location_weights(each.weights) for each in samples]
    pixels = stack_images(samples)
    return pixels, build_targets(masks, negatives, pixels.shape[-1], generator)


def build_source(given: argparse.Namespace, side: int, exact: bool = False) -> Callable[[Rng], Sample]:
    """Samples of photographs (only ``exact`` ones) and composites; without ``--photos``, composites."""
    painter = Painter(given.media, side, given.more)
    if given.photos:
        found = [each for each in read_photographs(given.photos) if not exact or each.quality in EXACT]
        return PhotographSamples(found, painter, side)
    return CompositeSamples(painter)


def train(given: argparse.Namespace) -> None:
    """Train the first stage; see the docstring of the module."""
    torch.manual_seed(given.seed)
    network, source = build_network(given.start).to(given.device), build_source(given, given.side)
    keep_depthwise_precision(network)
    optimiser = build_optimiser(network, given.rate)
    phase = TrainingPhase(
        network, optimiser, given.steps, warm=WARM, keep=KEEP, checkpoint=given.run / "last.pt"
    )
    batch_maker = partial(make_batch, source, given.batch, given.seed)
    steps = range(phase.first, given.steps)
    start, loss_sums = time.monotonic(), torch.zeros(4, device=given.device)
    for step, (pixels, targets) in zip(
        steps, iterate_batches(batch_maker, steps, given.workers), strict=False
    ):
        network.train()
        locations = mixed_forward(network, to_network_input(pixels, given.device))
        loss = compute_loss(locations, move_to_device(targets, given.device))
        progress = (time.monotonic() - start) / 60 / given.minutes if given.minutes else 0.0
        phase.learn(step, loss.total, progress)
        loss_sums += torch.stack([loss.score, loss.dice, loss.bce, loss.iou]).detach()
        if (step + 1) % 50 == 0:
            each = (time.monotonic() - start) / (step + 1 - phase.first)
            s, d, b, i = (loss_sums / 50).tolist()
            print(
                f"{step + 1}/{given.steps} score {s:.3f} dice {d:.3f} bce {b:.3f} iou {i:.3f} {each:.2f} s",
                flush=True,
            )
            loss_sums.zero_()
        last = step + 1 == given.steps or progress >= 1
        if (step + 1) % SAVE_EVERY == 0 or last:
            phase.save(step)
            export(phase.average, given.run / "average.safetensors")
        if last:
            break
    export(phase.average, given.run / "first.safetensors")


def main() -> None:
    """Run the recipe from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--media", type=Path, required=True, help="folder with images/*/*.png and backgrounds/*.jpg"
    )
    parser.add_argument("--more", type=Path, help="folder of further cut-outs, */*.png")
    parser.add_argument("--photos", type=Path, help="folder of photographs with masks (photographs.py)")
    parser.add_argument(
        "--minutes", type=float, help="end of the first stage by the clock, if before --steps"
    )
    parser.add_argument("--start", type=Path, help="weights of an earlier phase to start from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--side", type=int, default=256, help="pixels of a scene, a multiple of 32")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--device", default="cpu", help="device for training")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--workers", type=int, default=1, help="processes that render training samples during training"
    )
    parser.add_argument("--run", type=Path, default=Path("runs/proposals"), help="checkpoints to resume from")
    parser.add_argument("--first", type=Path, help="weights of a completed first stage")
    parser.add_argument("--sharpen-steps", type=int, default=160)
    parser.add_argument("--outline-steps", type=int, default=2400)
    parser.add_argument("--outline-minutes", type=float, help="end of the last stage by the clock")
    parser.add_argument("--out", type=Path, default=ASSET)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.run.mkdir(parents=True, exist_ok=True)
    first, second = given.first or given.run / "first.safetensors", given.run / "second.safetensors"
    if not first.is_file():
        train(given)
    if not second.is_file():
        source = build_source(given, SIDE, exact=True)
        seed = given.seed + 7  # other scenes than in the first stage
        fresh = not given.start
        export(train_sharpening(first, source, given.sharpen_steps, seed, given.device, fresh=fresh), second)
    network = ProposalNet()
    network.load_state_dict(stored_weights(second))
    source = build_source(given, refinement.SIDE, exact=True)
    average = train_refinement(
        network,
        source,
        given.outline_steps,
        given.seed + 13,
        given.run,
        given.workers,
        given.device,
        fresh=not given.start,
        minutes=given.outline_minutes,
    )
    export(
        network.state_dict() | {f"{REFINEMENT}{name}": value for name, value in average.items()}, given.out
    )


if __name__ == "__main__":
    main()
