"""Robustness: rates over silent frames, AUROC with ties."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import robustness


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=25))
@settings(max_examples=60)
def test_auroc_is_the_share_of_pairs_in_order_with_ties_at_half(frames: list[tuple[int, bool]]) -> None:
    confidence = torch.tensor([float(level) for level, _ in frames])
    sounding = torch.tensor([flag for _, flag in frames])
    on, off = confidence[sounding], confidence[~sounding]
    found = robustness(torch.zeros(len(frames), 1, 1), confidence, sounding, 0.5)["auroc"]
    if len(on) == 0 or len(off) == 0:
        assert math.isnan(found)
    else:
        order = (on[:, None] > off).double() + (on[:, None] == off).double() / 2
        assert found == pytest.approx(float(order.mean()))


def test_only_frames_where_nothing_sounds_count_as_false() -> None:
    heatmaps = torch.zeros(3, 2, 2)
    heatmaps[0] = 1  # sounding
    heatmaps[1, 0, 0] = 0.5  # inactive audio; one pixel is active at exactly the threshold
    found = robustness(heatmaps, torch.rand(3), torch.tensor([True, False, False]), 0.5)
    assert found["fpr_pixels"] == pytest.approx(1 / 8)
    assert found["fpr_frames"] == pytest.approx(1 / 2)


def test_rates_are_nan_if_something_always_sounds() -> None:
    found = robustness(torch.ones(2, 2, 2), torch.rand(2), torch.tensor([True, True]), 0.5)
    assert all(math.isnan(value) for value in found.values())
    assert set(found) == {"fpr_pixels", "fpr_frames", "auroc"}


maps, level, flags = torch.zeros(2, 2, 2), torch.zeros(2), torch.tensor([True, False])


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ((maps + 2, level, flags, 0.5), "heatmaps spans"),
        ((maps, level / 0, flags, 0.5), "confidence holds NaN"),
        ((maps, level, flags.long(), 0.5), "sounding is torch.int64: pass bool"),
        ((maps, level[:1], flags, 0.5), "heatmaps has 2 frames, confidence 1"),
        ((maps, level, flags[:1], 0.5), "heatmaps has 2 frames, sounding 1"),
        ((maps, level, flags, -1), "threshold is -1"),
        ((maps, level, flags, True), "threshold is True"),
        ((maps, level[None], flags, 0.5), "confidence has shape"),
    ],
)
def test_unusable_input_is_one_clear_line(given_: tuple[Tensor, Tensor, Tensor, float], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        robustness(*given_)
    assert "\n" not in str(caught.value)
