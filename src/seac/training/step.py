"""Loss of a batch over one or more ranks."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from seac.associate.losses import LOSSES, Batch, similarity_matrix
from seac.training.collate import CollatedBatch
from seac.training.distributed import gather_groups, gather_rows


def batch_loss(
    network: Callable[..., tuple[Tensor, Tensor, Tensor]],
    batch: CollatedBatch,
    loss: str,
    false_negative_threshold: float,
) -> Tensor:
    """Loss of the batch of all ranks: the same scalar on each rank.

    Args:
        network: the module, or its wrapper for several devices.
        batch: this rank's part; all parts have the same size.
        loss: row of :data:`seac.associate.losses.LOSSES`.
        false_negative_threshold: threshold of the false-negative-aware loss.
    """
    masks, audio, temperature = network(batch.masks, batch.mask_padding, batch.windows, batch.window_padding)
    # Audio embeddings are gathered first, then similarity rows: a similarity is computed on one rank only.
    similarity = gather_rows(similarity_matrix(masks, batch.mask_padding, gather_rows(audio.float())))
    return LOSSES[loss](
        Batch(
            similarity=similarity,
            groups=gather_groups(batch.groups, len(batch.windows)),
            temperature=temperature.float(),
            frozen=batch.frozen.map(gather_rows),
            threshold=false_negative_threshold,
        )
    )
