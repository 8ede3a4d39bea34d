"""A training phase of the proposal network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from recipes.proposal_net.phase import TrainingPhase, iterate_batches
from seac.training.schedule import adamw


def build_phase(steps: int, checkpoint: Path | None = None, keep: float = 0.9) -> TrainingPhase:
    torch.manual_seed(0)
    module = nn.Linear(3, 1)
    optimiser = adamw(module.parameters(), 0.1, 0.01)
    return TrainingPhase(module, optimiser, steps, warm=2, keep=keep, checkpoint=checkpoint)


def loss_at(given: TrainingPhase, step: int) -> Tensor:
    rows = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
    loss: Tensor = (given.module(rows) - rows.sum(1, keepdim=True)).square().mean()
    return loss


def run(given: TrainingPhase, end: int) -> TrainingPhase:
    for step in range(given.first, end):
        given.learn(step, loss_at(given, step))
        given.save(step)
    return given


def test_an_interrupted_phase_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    uninterrupted = run(build_phase(12), 12)
    run(build_phase(12, tmp_path / "a.pt"), 5)
    rest = build_phase(12, tmp_path / "a.pt")
    assert rest.first == 5
    run(rest, 12)
    for name, value in uninterrupted.average.items():
        torch.testing.assert_close(rest.average[name], value)
    assert not list(tmp_path.glob("*.partial"))


def test_groups_keep_the_ratio_of_their_rates() -> None:
    slow, fast = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    module = nn.ParameterList([slow, fast])
    optimiser = adamw([{"params": [slow], "lr": 0.01}, {"params": [fast]}], 0.1, 0.0)
    given = TrainingPhase(module, optimiser, 10, warm=5, keep=0.0)
    given.learn(0, slow.sum() + fast.sum())
    assert (1 - fast.item()) == pytest.approx(10 * (1 - slow.item()), rel=1e-4)


def test_the_average_lags_behind_and_without_decay_is_the_last_state() -> None:
    last = run(build_phase(6, keep=0.0), 6)
    torch.testing.assert_close(last.average["weight"], last.module.state_dict()["weight"])
    late = run(build_phase(6, keep=0.99), 6)
    assert not torch.equal(late.average["weight"], late.module.state_dict()["weight"])


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_come_in_order_with_and_without_workers(workers: int) -> None:
    assert list(iterate_batches(_square, range(2, 7), workers)) == [4, 9, 16, 25, 36]


def _square(step: int) -> int:
    return step * step
