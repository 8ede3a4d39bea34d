from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seac.training.ema import ExponentialMovingAverage
from seac.training.schedule import adamw, rate_factor, set_rates


def test_a_linear_schedule_falls_to_0_after_an_optional_warm_up() -> None:
    assert [rate_factor(step, 4, 0, "linear") for step in range(4)] == pytest.approx([1, 0.75, 0.5, 0.25])
    assert [rate_factor(step, 4, 2, "linear") for step in range(4)] == pytest.approx([0.5, 1, 1, 0.5])


def test_a_cosine_schedule_is_half_a_cosine_times_the_warm_up() -> None:
    half = [0.5 * (1 + math.cos(math.pi * step / 4)) for step in range(4)]
    assert [rate_factor(step, 4) for step in range(4)] == pytest.approx(half)
    assert [rate_factor(step, 4, 2) for step in range(4)] == pytest.approx([half[0] / 2, *half[1:]])


@given(st.integers(1, 500), st.data())
def test_a_factor_is_a_share(steps: int, data: st.DataObject) -> None:
    step, warmup = data.draw(st.integers(0, steps - 1)), data.draw(st.integers(0, steps))
    for schedule in ("linear", "cosine"):
        assert 0 <= rate_factor(step, steps, warmup, schedule) <= 1  # type: ignore[arg-type]


def test_every_group_keeps_its_own_peak() -> None:
    slow, fast = nn.Linear(2, 2), nn.Linear(2, 2)
    optimiser = adamw([{"params": slow.parameters(), "lr": 0.1}, {"params": fast.parameters()}], 1.0, 0.02)
    for factor in (0.5, 0.25):
        set_rates(optimiser, factor)
        assert [group["lr"] for group in optimiser.param_groups] == [0.1 * factor, factor]
    assert {group["weight_decay"] for group in optimiser.param_groups} == {0.02}


def test_an_average_follows_its_module_and_copies_counters() -> None:
    module = nn.BatchNorm1d(2)
    average = ExponentialMovingAverage(module, 0.9)
    with torch.no_grad():
        module.weight.fill_(11.0)
        module.num_batches_tracked.fill_(7)
    average.update(module, 1)
    torch.testing.assert_close(average.state["weight"], torch.full((2,), 1 + 0.9 * 10))  # 1 / 10 is kept
    average.update(module, 1_000)
    torch.testing.assert_close(average.state["weight"], torch.full((2,), 10 + 0.1 * 1.0))
    assert average.state["num_batches_tracked"] == 7
