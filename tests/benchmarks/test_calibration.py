"""Reliability of probabilities: bins, calibration error, intervals, and the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.calibration import reliability
from benchmarks.calibration.__main__ import page
from benchmarks.calibration.clips import CLIPS, FrameMasks, join, only_optional
from benchmarks.calibration.figure import draw
from benchmarks.calibration.prepared import calibrated, collect
from benchmarks.calibration.reliability import COUNT, MaskSet, bin_sums, expected_error, measure
from benchmarks.real_clips.annotation import AnnotatedFrame, Thing
from recipes.sounding.evaluate import PairScore, calibration_error
from seac.decision.calibration import Calibration

IDENTITY = Calibration(slope=1.0, offset=0.0)


def random_masks(seed: int, count: int = 400, *, factor: float = 1.0) -> MaskSet:
    """Masks of 20 clips that sound with ``factor`` times their probability."""
    generator = np.random.default_rng(seed)
    probabilities = generator.random(count)
    sounds = generator.random(count) < factor * probabilities
    frames = np.arange(count) // 10
    return MaskSet("random", probabilities, sounds, frames, frames // (count // 200))


@given(st.integers(0, 1000))
def test_the_error_is_that_of_the_recipe(seed: int) -> None:
    masks = random_masks(seed)
    expected = calibration_error(masks.probabilities.astype(np.float32), masks.sounds)
    assert float(expected_error(bin_sums(masks).sum(0))) == pytest.approx(expected, abs=1e-5)


def test_bins_hold_every_mask_once() -> None:
    masks = MaskSet("ends", np.array([0.0, 0.5, 1.0]), np.ones(3, bool), np.arange(3), np.array([7, 7, 9]))
    sums = bin_sums(masks)
    assert sums.shape == (2, 10, 3)
    assert sums[..., COUNT].sum() == 3
    assert sums[1, 9, COUNT] == 1


def test_calibrated_masks_have_a_small_error_and_overconfident_ones_a_large() -> None:
    right = measure(random_masks(0, 20_000), 50, 0)
    wrong = measure(random_masks(0, 20_000, factor=0.5), 50, 0)
    assert right.error.value < 0.02
    assert wrong.error.value == pytest.approx(0.25, abs=0.02)
    assert right.error.low <= right.error.high
    assert right.middle.low <= right.middle.value <= right.middle.high
    assert ((right.shares[:, 0] <= right.shares[:, 1]) | np.isnan(right.shares[:, 0])).all()


def test_a_set_of_one_clip_has_no_spread_and_no_masks_are_refused() -> None:
    masks = random_masks(1)
    one = MaskSet("one", masks.probabilities, masks.sounds, masks.frames, np.zeros(400, np.int64))
    found = measure(one, 20, 0).error
    assert found.low == pytest.approx(found.value)
    assert found.high == pytest.approx(found.value)
    nothing = np.zeros(0)
    with pytest.raises(ValueError, match="no masks"):
        measure(MaskSet("none", nothing, nothing > 0, nothing.astype(int), nothing.astype(int)), 5, 0)


def test_the_likeliest_mask_of_every_frame_is_kept() -> None:
    masks = random_masks(2)
    first = masks.likeliest()
    assert len(first.probabilities) == len(set(masks.frames.tolist()))
    for frame, probability in zip(first.frames, first.probabilities, strict=True):
        assert probability == masks.probabilities[masks.frames == frame].max()


def test_the_fitted_curve_of_calibrated_masks_is_the_calibration() -> None:
    slope, offset = reliability.fitted_curve(random_masks(0, 20_000), Calibration(slope=2.0, offset=0.5))
    assert slope == pytest.approx(2.0, abs=0.1)
    assert offset == pytest.approx(0.5, abs=0.1)


def pair_score(name: str, sounds: bool) -> PairScore:
    return PairScore(name, 0.7, 1.0, 1.0, 1.0, 1, np.array([0.7, 0.2], np.float32), np.array([sounds, False]))


def test_nothing_sounds_under_the_clip_of_something_absent() -> None:
    masks = collect("photographs", [pair_score("a", True), pair_score("a", True)], IDENTITY)
    assert masks.sounds.tolist() == [True, False, False, False]
    assert masks.frames.tolist() == [0, 0, 1, 1]
    assert masks.clips.tolist() == [0, 0, 0, 0]
    assert masks.probabilities == pytest.approx([0.7, 0.2, 0.7, 0.2], abs=1e-5)


def test_the_calibration_is_applied_to_the_logits_of_the_network() -> None:
    found = calibrated(np.array([0.5, 1.0], np.float32), Calibration(slope=1.0, offset=1.0))
    assert found[0] == pytest.approx(1 / (1 + np.exp(-1)))
    assert found[1] < 1


def test_optional_things_are_required_alone() -> None:
    things = tuple(Thing(("dog",), (0.0, 0.0, 0.5, 1.0), None, optional) for optional in (True, False))
    assert len(only_optional(AnnotatedFrame(0.5, things, (), ())).required) == 1


def test_the_page_and_its_figure_show_every_set(tmp_path: Path) -> None:
    frames = [
        FrameMasks(clip, np.array([0.9, 0.1]), np.array([0.9, 0.1]), np.array([True, False]))
        for clip in ("a.mp4", "b.mp4", "a.mp4")
    ]
    sets = [join(CLIPS, frames, [each.network for each in frames]), random_masks(3)]
    measured = [(masks, measure(masks, 10, 0)) for masks in sets]
    text = "\n".join(page(measured, [found for _, found in measured], IDENTITY, "head 1"))
    assert f"| {CLIPS} | 2 | 6 | 0.500 |" in text
    assert "## Random" in text
    draw(measured, tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 0
