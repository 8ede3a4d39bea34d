from __future__ import annotations

import multiprocessing
import os
import tempfile
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from seac.associate.losses import Frozen
from seac.associate.model import AssociationConfig, AssociationModule
from seac.training.collate import CollatedBatch
from seac.training.distributed import gather_groups, gather_rows
from seac.training.step import batch_loss

FORK = multiprocessing.get_context("fork")
B, N, W = 8, 4, 3
GROUPS = torch.tensor([1, 0, 1, 0, 2, 3, 3, 2])
"""Mixtures of the whole batch; only the first half of the samples has the first two mixtures."""


def module() -> AssociationModule:
    torch.manual_seed(0)
    config = AssociationConfig(d_m=6, d_a=8, d=5, width=8, depth=1, heads=2, dropout=0.0)
    return AssociationModule(config)


def whole(mixed: bool) -> CollatedBatch:
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    count = 4 if mixed else B
    padding = torch.arange(N) >= torch.randint(1, N + 1, (B, 1), generator=generator)
    groups = GROUPS if mixed else torch.arange(B)
    frozen = Frozen(draw(B, 6), draw(B, 8))
    silent = torch.zeros(count, W, dtype=torch.bool)
    return CollatedBatch(draw(B, N, 6), padding, draw(count, W, 8), silent, groups, frozen)


def part(batch: CollatedBatch, rank: int) -> CollatedBatch:
    """A rank's half; ranks may pad to different lengths."""
    half, count = slice(rank * 4, rank * 4 + 4), len(batch.windows) // 2
    own = slice(rank * count, (rank + 1) * count)
    longest = int((~batch.mask_padding[half]).sum(1).max())
    return CollatedBatch(
        batch.masks[half, :longest],
        batch.mask_padding[half, :longest],
        batch.windows[own],
        batch.window_padding[own],
        batch.groups[half] - rank * count,
        Frozen(batch.frozen.frames[half], batch.frozen.audio[half]),
    )


def learned(network: nn.Module, batch: CollatedBatch, loss: str) -> tuple[Tensor, list[Tensor]]:
    network.zero_grad()
    value = batch_loss(network, batch, loss, 0.2)
    value.backward()
    return value.detach(), [weight.grad.clone() for weight in network.parameters() if weight.grad is not None]


def one_of_two(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    network = DistributedDataParallel(module())
    found = {
        (mixed, loss): learned(network, part(whole(mixed), rank), loss)
        for mixed in (False, True)
        for loss in ("msa-micl", "false-negative-aware")
    }
    torch.save(found, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_two_ranks_with_half_a_batch_are_one_rank_with_the_whole() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ranks = [FORK.Process(target=one_of_two, args=(rank, folder)) for rank in (0, 1)]
        for rank in ranks:
            rank.start()
        for rank in ranks:
            rank.join()
        assert [rank.exitcode for rank in ranks] == [0, 0]
        both = [torch.load(Path(folder) / f"{rank}.pt") for rank in (0, 1)]
    for (mixed, loss), (value, gradients) in both[0].items():
        alone, expected = learned(module(), whole(mixed), loss)
        torch.testing.assert_close(value, alone, rtol=0, atol=1e-5)
        torch.testing.assert_close(both[1][mixed, loss][0], alone, rtol=0, atol=1e-5)
        assert len(gradients) == len(expected)
        for ours, theirs, other in zip(gradients, expected, both[1][mixed, loss][1], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
            assert torch.equal(ours, other)
    with_negatives, without = both[0][True, "msa-micl"][0], both[0][True, "false-negative-aware"][0]
    assert float(with_negatives) > float(without)


def test_one_rank_gathers_nothing() -> None:
    rows = torch.randn(3, 2)
    assert gather_rows(rows) is rows
    assert gather_groups(GROUPS, 4) is GROUPS
