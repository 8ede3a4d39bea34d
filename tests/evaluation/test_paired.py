"""Intervals and tests over clips against closed forms and enumeration."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.evaluation.paired import ClipSums, correct_holm, interval, paired_test

SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=8)


def sums(values: list[float] | np.ndarray) -> ClipSums:
    return ClipSums.of(np.array(values, np.float64), np.arange(len(values)))


@settings(max_examples=20, deadline=None)
@given(SHARES)
def test_an_interval_lies_within_the_values_and_around_the_mean(values: list[float]) -> None:
    found = interval(sums(values), resamples=200)
    assert found.value == pytest.approx(np.mean(values))
    assert min(values) - 1e-12 <= found.low <= found.high <= max(values) + 1e-12


def test_an_interval_is_the_one_of_the_normal_approximation_for_many_clips() -> None:
    values = np.random.default_rng(0).random(2000)
    found = interval(sums(values), resamples=2000)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_rows_of_one_clip_are_drawn_together() -> None:
    values = np.random.default_rng(0).random(40)
    alone = interval(sums(values), resamples=500)
    repeated = interval(ClipSums.of(np.repeat(values, 5), np.repeat(np.arange(40), 5)), resamples=500)
    assert (repeated.low, repeated.high) == pytest.approx((alone.low, alone.high))


def test_rows_without_a_value_do_not_count() -> None:
    found = ClipSums.of(np.array([0.2, np.nan, 0.4, np.nan]), np.array([0, 0, 1, 2]))
    assert len(found) == 2
    assert found.mean() == pytest.approx(0.3)


def test_a_single_clip_has_no_interval_and_no_significance() -> None:
    found = interval(sums([0.4]))
    assert found.value == pytest.approx(0.4)
    assert math.isnan(found.low)
    assert paired_test(sums([0.4])) == 1
    assert math.isnan(interval(sums([np.nan])).value)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=7))
def test_few_clips_are_tested_by_every_change_of_sign(values: list[int]) -> None:
    totals = [abs(np.dot(signs, values)) for signs in product((-1, 1), repeat=len(values))]
    expected = np.mean([total >= abs(sum(values)) for total in totals])
    assert paired_test(sums([float(v) for v in values])) == pytest.approx(min(1, expected))


def test_p_is_uniform_without_an_effect_and_small_with_one() -> None:
    generator = np.random.default_rng(0)
    p = [paired_test(sums(generator.normal(size=30)), permutations=199, seed=k) for k in range(60)]
    assert 0.3 < np.mean(p) < 0.7
    assert np.mean(np.array(p) < 0.1) < 0.25
    assert paired_test(sums(generator.normal(1, 1, 60)), permutations=999) == pytest.approx(0.002)


def test_a_seed_gives_the_same_numbers() -> None:
    values = sums(np.random.default_rng(0).normal(size=50))
    assert interval(values, seed=3) == interval(values, seed=3)
    assert paired_test(values, seed=3) == paired_test(values, seed=3)


@given(st.lists(st.floats(0, 1), max_size=10))
def test_holm_keeps_the_order_and_lies_between_no_correction_and_bonferroni(p: list[float]) -> None:
    corrected = correct_holm(p)
    for raw, value in zip(p, corrected, strict=True):
        assert raw <= value <= min(1, raw * len(p)) + 1e-12
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()
