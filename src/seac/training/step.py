"""The loss of a batch, over one rank or many, and the learning rate of a step."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from seac.associate.losses import LOSSES, Batch, Frozen, similarity_matrix
from seac.training.collate import CollatedBatch
from seac.training.config import TrainingConfig
from seac.training.distributed import gather_groups, gather_rows


def batch_loss(
    network: Callable[..., tuple[Tensor, Tensor, Tensor]],
    batch: CollatedBatch,
    loss: str,
    false_negative_threshold: float,
) -> Tensor:
    """Loss of the batch that all ranks have together: the same scalar on each.

    Args:
        network: the module, or what wraps it for several devices.
        batch: this rank's part; parts are equally large.
        loss: row of :data:`seac.associate.losses.LOSSES`.
        false_negative_threshold: threshold of the false-negative-aware loss.
    """
    masks, audio, temperature = network(batch.masks, batch.mask_padding, batch.windows, batch.window_padding)
    # First every sound to every rank, then every rank's frames: a similarity is computed on one rank only.
    similarity = gather_rows(similarity_matrix(masks, batch.mask_padding, gather_rows(audio.float())))
    return LOSSES[loss](
        Batch(
            similarity=similarity,
            groups=gather_groups(batch.groups, len(batch.windows)),
            temperature=temperature.float(),
            frozen=Frozen(gather_rows(batch.frozen.frames), gather_rows(batch.frozen.audio)),
            threshold=false_negative_threshold,
        )
    )


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """The rate of a step: up to ``lr`` over the warm-up, then linearly to 0 after the last.

    Args:
        config: ``lr`` and ``warmup``.
        step: from 0.
        steps: of the whole run.
    """
    rising = round(config.warmup * steps)
    if step < rising:
        return config.lr * (step + 1) / rising
    return config.lr * (steps - step) / max(1, steps - rising)
