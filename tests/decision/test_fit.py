"""The fit of the logistic curve, the threshold and the margin."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.decision.fit import (
    FLAT,
    LEVELS,
    MARGINS,
    SILENCE_PENALTY,
    Fit,
    Sample,
    SampleType,
    build_sample,
    constants,
    curve,
    fit,
    objective,
    report,
    score_sample,
)

SIDE = 8


def frame(seed: int, sample_type: SampleType, gap: float = 1.0, *, inactive: bool = False) -> Sample:
    """A frame with one mask per quarter; a visible source raises the logit of the first mask."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.zeros(4, SIDE, SIDE, dtype=torch.bool)
    for row in range(4):
        masks[row, row // 2 * 4 : row // 2 * 4 + 4, row % 2 * 4 : row % 2 * 4 + 4] = True
    truth = masks[0] & (sample_type == "visible")
    logits = 0.1 * torch.randn(4, generator=generator)
    logits[0] += gap * (sample_type == "visible")
    order = torch.randperm(4, generator=generator)
    return build_sample(
        masks[order], truth, logits[order], float(logits.max()), sample_type, inactive=inactive
    )


def frames(count: int = 40, gap: float = 1.0) -> list[Sample]:
    return [frame(seed, "visible" if seed % 2 else "off-screen", gap) for seed in range(count)]


def test_separable_samples_are_separated() -> None:
    figures = report(frames(), fit(frames()))
    assert figures["miou visible"] == 1
    assert figures["rightly nothing, off-screen"] == 1
    assert figures["auroc"] == 1
    assert figures["best mask covers it"] == 1


def test_the_threshold_matches_the_minimum_logit_and_the_curve_rises() -> None:
    chosen = fit(frames())
    output = chosen.constants.probability(torch.tensor([chosen.min_logit, chosen.min_logit + 0.1]))
    assert float(output[0]) == pytest.approx(chosen.constants.threshold, abs=1e-3)
    assert output[1] > output[0]


@given(st.integers(0, 50), st.floats(0.02, 0.4))
@settings(max_examples=5, deadline=None)
def test_the_threshold_is_the_median_of_equivalent_thresholds(seed: int, gap: float) -> None:
    given_frames = [
        frame(seed * 1000 + row, "visible" if row % 2 else "off-screen", gap) for row in range(60)
    ]
    chosen = fit(given_frames)
    levels = np.unique(np.quantile([float(f.logits[0]) for f in given_frames], np.linspace(0, 0.9, LEVELS)))
    best = [
        max(objective(given_frames, Fit(constants(1.0, 0.0, at, margin), at)) for margin in MARGINS)
        for at in levels.tolist()
    ]
    good = levels[np.array(best) >= max(best) - FLAT]
    below, above = (good < chosen.min_logit - 1e-9).sum(), (good > chosen.min_logit + 1e-9).sum()
    assert abs(int(below) - int(above)) <= 1
    assert below + above + 1 == len(good)


def test_the_curve_gives_the_frequency_of_covering_masks() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, generator=generator)
    right = torch.rand(4000, generator=generator) < torch.sigmoid(3 * logits - 1)
    samples = [
        Sample(logits[at : at + 4], right[at : at + 4].float(), right[at : at + 4].float(), 0.0, "visible")
        for at in range(0, 4000, 4)
    ]
    slope, offset = curve(samples)
    assert slope == pytest.approx(3, abs=0.3)
    assert offset == pytest.approx(-1, abs=0.2)


@given(st.permutations(range(20)))
@settings(max_examples=10, deadline=None)
def test_order_of_frames_does_not_matter(order: list[int]) -> None:
    given_frames = frames(20, gap=0.2)
    turned = [given_frames[row] for row in order]
    assert fit(turned).constants == fit(given_frames).constants


def test_no_mask_is_active_in_silence_and_the_score_is_1() -> None:
    still = frame(3, "silence", inactive=True)
    assert still.silenced
    assert float(still.logits[0]) < -SILENCE_PENALTY / 2
    chosen = fit([*frames(), still])
    assert chosen.count_active(still) == 0
    assert score_sample(still, chosen) == 1
    assert chosen.constants == fit(frames()).constants


def test_masks_within_the_margin_are_active_together() -> None:
    masks = torch.eye(3, dtype=torch.bool)[:, None, :]
    sample = build_sample(
        masks, masks[:2].any(0), torch.tensor([0.5, 0.45, 0.1]), 0.5, "visible", inactive=False
    )
    for margin, count, share in ((0.01, 1, 0.5), (0.1, 2, 1.0), (2.0, 3, 2 / 3)):
        chosen = Fit(constants(1.0, 0.0, 0.0, margin), 0.0)
        assert chosen.count_active(sample) == count
        assert score_sample(sample, chosen) == pytest.approx(share)


@pytest.mark.parametrize("sample_type", ["visible", "off-screen"])
def test_the_error_names_a_missing_sample_type(sample_type: SampleType) -> None:
    with pytest.raises(InputError, match=sample_type):
        fit([one for one in frames() if one.sample_type != sample_type])
