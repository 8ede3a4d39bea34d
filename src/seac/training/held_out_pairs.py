"""Held-out pairs: how a sounding head tells own from other audio, and its calibration without labels."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.decision.calibration import Calibration
from seac.decision.fit_swap import SwapLogits, fit_swap, presence, report_swap
from seac.decision.network_head import limited_log_odds
from seac.decision.sounding_network import SoundingInputs, SoundingNetwork
from seac.decision.trained_head import IDENTITY
from seac.features.batch import IndexBatch
from seac.metrics.functional.robustness import auroc
from seac.training.collate import Collate, CollatedBatch
from seac.training.run import seed_of
from seac.training.sounding_comparison import Clips, Comparison, as_float, stacked, tensors_of

OTHERS = 4
"""Other clips with which a frame is compared."""
BATCH = 32
MAX_DRAWS = 4
"""Random frames and windows of each clip, where there are few clips."""


class HeldOutPairs:
    """Held-out frames, each under its own audio, that of other clips, and noise; read once.

    Args:
        collate: makes batches of the held-out features.
        comparison: compares their masks with waveforms.
        seed: of the run.
    """

    def __init__(self, collate: Collate, comparison: Comparison, seed: int) -> None:
        proposals = collate.store.proposals
        clips = (proposals > 0).any(dim=1).nonzero()[:, 0]
        generator = torch.Generator().manual_seed(seed_of("held-out pairs", seed))
        self.parts: list[tuple[SoundingInputs, SoundingInputs, SoundingInputs]] = []
        self.clips: list[int] = []
        draws = max(1, min(MAX_DRAWS, BATCH // max(1, len(clips))))
        orders = [clips[torch.randperm(len(clips), generator=generator)] for _ in range(draws)]
        for chosen in (part for order in orders for part in torch.split(order, BATCH)):
            if len(chosen) < 2:
                continue
            frames = torch.multinomial((proposals[chosen] > 0).float(), 1, generator=generator)
            drawn = int(torch.randint(2**62, (), generator=generator))
            batch = collate(IndexBatch(tuple(chosen.tolist()), tuple(frames[:, 0].tolist()), False, drawn))
            self.parts.append(_compared(comparison, batch, generator))
            self.clips += chosen.tolist()

    def logits(self, network: SoundingNetwork) -> list[SwapLogits]:
        """Limited log-odds of the masks of every frame."""
        found = []
        for parts in self.parts:
            own, other, noise = (_limited(network, part) for part in parts)
            counts = (~parts[0].padding).sum(1).tolist()
            frames = len(counts)
            others = other.view(-1, frames, other.shape[1])
            noises = noise.view(-1, frames, noise.shape[1])
            found += [
                SwapLogits(own[row, :count], others[:, row, :count], noises[:, row, :count])
                for row, count in enumerate(counts)
            ]
        return found

    def auroc(self, network: SoundingNetwork) -> float:
        """AUROC of the presence under own against other audio."""
        frames = self.logits(network)
        own = torch.cat([presence(frame.own[None]) for frame in frames])
        other = torch.cat([presence(frame.other) for frame in frames])
        return auroc(torch.cat([own, other]), torch.arange(len(own) + len(other)) < len(own))

    def calibrate(self, network: SoundingNetwork) -> tuple[Calibration, dict[str, float]]:
        """Constants fitted to all frames, and the figures of a fit to half of the clips on the other half."""
        with torch.no_grad():
            frames = self.logits(network)
        order = {clip: place for place, clip in enumerate(dict.fromkeys(self.clips))}
        halves: tuple[list[SwapLogits], list[SwapLogits]] = ([], [])
        for clip, frame in zip(self.clips, frames, strict=True):
            halves[order[clip] % 2].append(frame)
        figures = report_swap(halves[1], fit_swap(halves[0], IDENTITY))
        return fit_swap(frames, IDENTITY), figures


def _compared(
    comparison: Comparison, batch: CollatedBatch, generator: torch.Generator
) -> tuple[SoundingInputs, SoundingInputs, SoundingInputs]:
    """Inputs of B frames under own audio (B), other audio (P * B) and noise (B)."""
    device = comparison.association.log_temperature.device
    batch = batch.to(device)
    masks, clips = comparison.masks(batch), comparison.clips(batch)
    frames = len(masks)
    rows = [torch.arange(frames).roll(step) for step in range(1, min(OTHERS, frames - 1) + 1)]
    others = [comparison.inputs(batch, masks, Clips(clips.embedding[at], clips.shared[at])) for at in rows]
    noise = torch.randint(len(comparison.noise), (frames,), generator=generator)
    return (
        comparison.inputs(batch, masks, clips),
        stacked(others),
        comparison.inputs(batch, masks, comparison.noise_clips(noise, device)),
    )


def _limited(network: SoundingNetwork, inputs: SoundingInputs) -> Tensor:
    device = network.scale.device
    moved = SoundingInputs(*(part.to(device) for part in tensors_of(inputs)))
    return limited_log_odds(as_float(network(moved))).cpu()
