"""Audio in steps: levels, activity, windows, and when masks sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seac.core.covering import suppress
from seac.decision.audio_steps import StepRule, active_steps, close_gaps, step_levels
from seac.video.audio_steps import StepReader, as_audio_steps, concatenate, step_probabilities
from tests.fixtures.parts import squares, synthetic_model, tone

RATE = 16_000
RULE = StepRule()


class Samples:
    """A waveform as a reader."""

    def __init__(self, samples: np.ndarray) -> None:
        self.samples = samples

    def read(self, start: float, stop: float) -> Tensor:
        return torch.from_numpy(self.samples[max(0, round(start * RATE)) : round(stop * RATE)].copy())


def test_the_level_of_a_step_is_its_rms() -> None:
    levels = step_levels(np.concatenate([np.full(1600, 0.5), np.zeros(1600), np.full(10, 1.0)]), 1600)
    np.testing.assert_allclose(levels, [20 * np.log10(0.5), -120, 0], atol=1e-4)
    assert len(step_levels(np.zeros(0, np.float32), 1600)) == 0


@given(st.lists(st.integers(-70, 0), min_size=1, max_size=80))
def test_pauses_are_no_shorter_than_the_gap(values: list[int]) -> None:
    active = active_steps(np.array(values, np.float32), -60.0, RULE)
    runs = np.flatnonzero(np.diff(np.concatenate([[True], active, [True]]).astype(int)))
    inner = [b - a for a, b in zip(runs[::2], runs[1::2], strict=True) if a > 0 and b < len(values)]
    assert all(length > RULE.gap for length in inner)


@given(st.integers(-50, -5), st.integers(0, 12))
def test_steady_audio_is_active_and_silence_is_not(level: int, spread: int) -> None:
    levels = np.full(40, level, np.float32)
    assert active_steps(levels, -60.0, RULE).all()
    assert not active_steps(levels - 60, -60.0, RULE).any()


def test_audio_over_a_background_is_active_while_it_lasts() -> None:
    levels = np.full(60, -45.0, np.float32)
    levels[20:30] = -15
    assert np.flatnonzero(active_steps(levels, -60.0, RULE)[10:40]).tolist() == list(range(10, 20))


def test_close_gaps_keeps_the_ends() -> None:
    active = np.array([0, 1, 0, 0, 1, 0, 0, 0, 1, 0], bool)
    assert close_gaps(active, 2).astype(int).tolist() == [0, 1, 1, 1, 1, 0, 0, 0, 1, 0]


def test_sets_of_logits_are_suppressed_by_themselves() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 7, generator=generator)
    pairs = torch.rand(7, 7, generator=generator) < 0.3
    pairs = pairs | pairs.T
    pairs.fill_diagonal_(False)
    together = suppress(logits, pairs, -6.0)
    assert torch.equal(together, torch.stack([suppress(row, pairs, -6.0) for row in logits]))


def steps_of(reader: StepReader, model, image, ends: list[int]):  # type: ignore[no-untyped-def]
    parts, first = [], 0
    for number, last in enumerate(ends):
        audio = reader.take(first, last)
        probability = step_probabilities(model, image, audio)
        parts.append(as_audio_steps(audio, probability, number))
        first = last
    return concatenate(parts)


def beeps() -> np.ndarray:
    """One second of silence, one of a red tone, one of silence, one of a blue tone, 1.05 s of silence."""
    names = ("silence", "red", "silence", "blue", "silence")
    return np.concatenate([tone(name, 1.05 if n == 4 else 1.0) for n, name in enumerate(names)])


@pytest.mark.parametrize("window", [0.25, 1.0])
def test_a_mask_sounds_only_while_its_tone_lasts(window: float) -> None:
    model = synthetic_model(audio_window=window)
    image = model.encode_image(squares())
    steps = steps_of(StepReader(Samples(beeps()), model), model, image, [51])
    likely = np.stack(steps.probability) >= 0.5
    red, blue = (likely[:, row] for row in (1, 3))  # masks: everything, red, green, blue
    assert np.abs(np.flatnonzero(red)[[0, -1]] - [10, 19]).max() <= 1
    assert np.abs(np.flatnonzero(blue)[[0, -1]] - [30, 39]).max() <= 1
    assert steps.silent[:9].all()
    assert steps.silent[21:29].all()
    assert not steps.silent[11:19].any()
    assert (steps.sources[11:19, 0] == 0).all()
    assert (steps.sources[:9] == -1).all()


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_steps_do_not_depend_on_how_they_are_divided(lengths: list[int]) -> None:
    model = synthetic_model(audio_window=0.5)
    image = model.encode_image(squares())
    ends = [end for end in np.cumsum(lengths).tolist() if end < 60] + [60]
    parts = steps_of(StepReader(Samples(beeps()), model), model, image, ends)
    whole = steps_of(StepReader(Samples(beeps()), model), model, image, [60])
    np.testing.assert_array_equal(parts.level, whole.level)
    np.testing.assert_array_equal(parts.silent, whole.silent)
    np.testing.assert_allclose(np.stack(parts.probability), np.stack(whole.probability), atol=1e-5)


def test_steps_without_audio_and_after_its_end_are_silent() -> None:
    model = synthetic_model()
    image = model.encode_image(squares())
    for reader in (StepReader(None, model), StepReader(Samples(tone("red", 0.02)), model)):
        steps = steps_of(reader, model, image, [3, 30])
        assert len(steps) == 30
        assert steps.silent[1:].all()
        assert (steps.level[1:] == -120).all()
        assert not np.stack(steps.probability)[1:].any()


def test_memory_of_the_reader_does_not_grow() -> None:
    model = synthetic_model(audio_window=0.5)
    reader = StepReader(Samples(np.tile(beeps(), 10)), model)
    sizes = []
    for first in range(0, 500, 20):
        reader.take(first, first + 20)
        sizes.append(len(reader._samples) + len(reader._levels) + len(reader._features))
    assert max(sizes[10:]) <= max(sizes[:10]) + RATE
