"""Swap: areas, overlap and AUROC of frames under own and other audio, and the interval over clips."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import swap
from seac.metrics.functional.robustness import auroc
from seac.metrics.functional.swap import auroc_interval, swap_columns

FRAMES = 12
CLIPS = torch.arange(FRAMES) // 3


def frames(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    active = torch.rand(2, FRAMES, 4, 5, generator=rng) > 0.6
    probability = torch.randint(0, 9, (2, FRAMES), generator=rng) / 8
    return active[0], active[1], probability[0], probability[1]


@given(seed=st.integers(0, 999))
@settings(max_examples=20)
def test_a_model_that_ignores_the_audio_has_an_auroc_of_one_half_and_a_ratio_of_one(seed: int) -> None:
    own, _, probability, _ = frames(seed)
    found = swap(own, own, probability, probability, CLIPS, resamples=50)
    for name, value in {"auroc": 0.5, "paired": 0.5, "area_ratio": 1.0, "kept": 1.0, "iou": 1.0}.items():
        assert found[name] == pytest.approx(value), name
    assert found["own_frames"] == found["other_frames"]
    # A clip has equal probabilities on both sides, and so has every resample of clips.
    assert (found["auroc_low"], found["auroc_high"]) == pytest.approx((0.5, 0.5))


def test_a_model_that_follows_the_audio_has_an_auroc_of_one_and_a_ratio_of_zero() -> None:
    own = torch.ones(FRAMES, 2, 2, dtype=torch.bool)
    found = swap(own, ~own, torch.full((FRAMES,), 0.9), torch.zeros(FRAMES), CLIPS)
    assert [found[name] for name in ("auroc", "auroc_low", "auroc_high", "paired")] == [1, 1, 1, 1]
    assert [found[name] for name in ("area_ratio", "kept", "iou", "other_frames")] == [0, 0, 0, 0]
    assert (found["own_frames"], found["own_area"]) == (1, 1)


@given(seed=st.integers(0, 999))
@settings(max_examples=20)
def test_exchanging_own_and_other_mirrors_the_metrics(seed: int) -> None:
    own, other, own_probability, other_probability = frames(seed)
    one = swap(own, other, own_probability, other_probability, CLIPS, resamples=0)
    two = swap(other, own, other_probability, own_probability, CLIPS, resamples=0)
    assert one["auroc"] == pytest.approx(1 - two["auroc"])
    assert one["paired"] == pytest.approx(1 - two["paired"])
    assert one["area_ratio"] == pytest.approx(1 / two["area_ratio"])
    assert one["iou"] == pytest.approx(two["iou"])
    assert (one["own_area"], one["own_frames"]) == (two["other_area"], two["other_frames"])


def test_areas_are_means_over_frames_and_overlap_is_summed() -> None:
    own, other = torch.zeros(2, 2, 1, 4, dtype=torch.bool)
    own[0, 0, :3] = True
    other[0, 0, 1:] = True
    found = swap(own, other, torch.zeros(2), torch.zeros(2), torch.zeros(2, dtype=torch.int64), resamples=0)
    assert found["own_area"] == found["other_area"] == 0.375
    assert found["own_frames"] == 0.5
    assert found["kept"] == pytest.approx(2 / 3)
    assert found["iou"] == 0.5
    assert "auroc_low" not in found


def test_ratios_are_nan_if_nothing_is_active() -> None:
    nothing = torch.zeros(1, 2, 2, dtype=torch.bool)
    found = swap(nothing, nothing, torch.zeros(1), torch.zeros(1), torch.tensor([0]))
    assert all(math.isnan(found[name]) for name in ("area_ratio", "kept", "iou"))
    assert found["auroc"] == 0.5


@given(seed=st.integers(0, 99))
@settings(max_examples=10)
def test_the_interval_is_seeded_and_draws_whole_clips(seed: int) -> None:
    own, other, own_probability, other_probability = frames(seed)
    columns = swap_columns(own, other, own_probability, other_probability, CLIPS)
    low, high = auroc_interval(columns, 200, 1)
    assert (low, high) == auroc_interval(columns, 200, 1)
    assert 0 <= low <= high <= 1
    every = torch.cat([own_probability, other_probability])
    found = auroc(every, torch.arange(2 * FRAMES) < FRAMES)
    # One clip is drawn over and over: its interval is the AUROC itself.
    single = swap_columns(own, other, own_probability, other_probability, torch.zeros_like(CLIPS))
    assert auroc_interval(single, 5, 1) == pytest.approx((found, found))


def test_an_interval_over_more_clips_is_narrower() -> None:
    widths = []
    for clips in (6, 600):
        rng = torch.Generator().manual_seed(0)
        own_probability = torch.rand(clips, generator=rng).sqrt()
        active = torch.ones(clips, 1, 1, dtype=torch.bool)
        found = swap(active, active, own_probability, torch.rand(clips, generator=rng), torch.arange(clips))
        widths.append(found["auroc_high"] - found["auroc_low"])
        assert found["auroc_low"] < found["auroc"] < found["auroc_high"]
    assert widths[1] < widths[0] / 5


active, level, clips = torch.ones(2, 2, 2, dtype=torch.bool), torch.zeros(2), torch.arange(2)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ((active.float(), active, level, level, clips), "own is torch.float32: pass bool"),
        ((active, active[:, :1], level, level, clips), "own .* and other .* differ"),
        ((active, active, level + 2, level, clips), "own_probability spans"),
        ((active, active, level, level[:1], clips), "own has 2 frames, other_probability 1"),
        ((active, active, level, level, clips.float()), "clips is torch.float32: pass integers"),
        ((active, active, level, level, clips[:1]), "own has 2 frames, clips 1"),
        ((active[0], active, level, level, clips), "own has shape"),
    ],
)
def test_wrong_input_is_refused(given_: tuple[Tensor, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        swap(*given_)


@pytest.mark.parametrize("resamples", [-1, 2.0, True])
def test_a_wrong_number_of_resamples_is_refused(resamples: object) -> None:
    with pytest.raises(InputError, match="resamples is"):
        swap(active, active, level, level, clips, resamples=resamples)  # type: ignore[arg-type]
