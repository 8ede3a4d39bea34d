from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.associate.mixing import mix, mixing_probability, random_groups


def test_probability_rises_linearly_from_zero_to_a_half() -> None:
    rising = [mixing_probability(epoch, 30) for epoch in range(30)]
    assert (rising[0], rising[-1]) == (0.0, 0.5)
    steps = {round(b - a, 9) for a, b in pairwise(rising)}
    assert len(steps) == 1


def test_a_single_epoch_is_not_mixed() -> None:
    assert mixing_probability(0, 1) == 0.0


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**32))
def test_groups_are_a_partition_of_all_samples(count: int, size: int, seed: int) -> None:
    groups = random_groups(count, torch.Generator().manual_seed(seed), size)
    classes, members = groups.unique(return_counts=True)
    assert classes.tolist() == list(range(max(1, count // size)))
    assert int(members.min()) >= min(size, count)
    assert int(members.max()) - int(members.min()) <= 1


def test_groups_come_from_their_generator() -> None:
    first, again, other = (random_groups(32, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_mixture_is_the_sum_of_its_members_and_as_long_as_the_longest() -> None:
    waveforms = [torch.full((length,), value) for length, value in ((4, 0.5), (2, 0.25), (3, -0.5))]
    long, alone = mix(waveforms, torch.tensor([0, 0, 1]))
    assert long.tolist() == [0.75, 0.75, 0.5, 0.5]
    assert alone.tolist() == [-0.5] * 3


def test_integer_waveforms_are_mixed_without_overflow() -> None:
    loud = torch.full((2,), 30_000, dtype=torch.int16)
    (mixture,) = mix([loud, loud], torch.tensor([0, 0]))
    assert mixture.tolist() == pytest.approx([60_000 / 32_768] * 2)


def test_mixing_does_not_change_its_inputs() -> None:
    wave = torch.ones(3)
    mix([wave, wave], torch.tensor([0, 0]))
    assert wave.tolist() == [1.0] * 3


def test_one_group_per_waveform_is_required() -> None:
    with pytest.raises(ValueError, match="2 waveforms with 1 groups"):
        mix([torch.ones(1), torch.ones(1)], torch.tensor([0]))
