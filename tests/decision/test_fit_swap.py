"""The calibration without labels: what it separates, its invariances, and its report."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.decision.calibration import Calibration
from seac.decision.fit_swap import SwapLogits, fit_swap, presence, report_swap

START = Calibration(margin=0.3, floor=-50.0)


def frames(count: int = 60, gap: float = 2.0, scale: float = 1.0, seed: int = 0) -> list[SwapLogits]:
    """Frames of 2 to 5 masks, one of which stands out by ``gap`` under own audio."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for number in range(count):
        masks = 2 + number % 4
        rows = torch.randn(4, masks, generator=generator)
        rows[0, number % masks] += gap
        found.append(SwapLogits(scale * rows[0], scale * rows[1:3], scale * rows[3:] - 0.5))
    return found


def test_own_audio_is_active_and_other_audio_is_not() -> None:
    constants = fit_swap(frames(gap=6.0), START)
    figures = report_swap(frames(gap=6.0, seed=1), constants)
    assert figures["active under own"] > 0.95
    assert figures["active under other"] < 0.05
    assert figures["active under noise"] < 0.05
    assert figures["auroc"] > 0.99


def test_the_probability_is_calibrated_where_the_presence_is() -> None:
    given_ = frames(400)
    constants = fit_swap(given_, START)
    rows = [(frame.own, 1.0) for frame in given_]
    rows += [(row, 0.0) for frame in given_ for row in (*frame.other, *frame.noise)]
    weight = torch.tensor([1.0 if own else 1 / 3 for _, own in rows], dtype=torch.float64)
    odds = [presence((constants.slope * logits + constants.offset)[None])[0] for logits, _ in rows]
    share = torch.tensor([own for _, own in rows], dtype=torch.float64)
    predicted = (torch.stack(odds).sigmoid() * weight).sum() / weight.sum()
    assert float(predicted) == pytest.approx(float((share * weight).sum() / weight.sum()), abs=0.02)


@given(st.floats(0.2, 5.0))
@settings(max_examples=8, deadline=None)
def test_decisions_do_not_depend_on_the_scale_of_the_logits(scale: float) -> None:
    first = report_swap(frames(seed=1), fit_swap(frames(), START))
    other = report_swap(frames(seed=1, scale=scale), fit_swap(frames(scale=scale), START))
    assert other["auroc"] == pytest.approx(first["auroc"], abs=1e-6)
    assert other["active under own"] == pytest.approx(first["active under own"], abs=0.2)


def test_other_constants_are_kept() -> None:
    constants = fit_swap(frames(), START)
    assert (constants.margin, constants.floor, constants.noise_gate) == (0.3, -50.0, True)
    assert 0 < constants.threshold < 1
    assert constants.slope > 0


@given(st.lists(st.floats(-8, 8), min_size=1, max_size=6))
def test_presence_is_the_noisy_or_of_the_masks(logits: list[float]) -> None:
    exact = torch.tensor([logits], dtype=torch.float64)
    expected = 1 - (1 - exact.sigmoid()).prod()
    assert float(presence(exact)[0].sigmoid()) == pytest.approx(float(expected), rel=1e-6)


def test_frames_are_needed() -> None:
    nothing = torch.zeros(0, 2)
    for given_ in ([], [SwapLogits(torch.zeros(2), nothing, nothing)]):
        with pytest.raises(InputError, match="give more clips"):
            fit_swap(given_, START)
    assert report_swap([SwapLogits(torch.zeros(2), nothing, nothing)], START).keys() == {"active under own"}
