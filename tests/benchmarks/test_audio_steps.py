"""The benchmarks of audio steps, of finding, and of the fast path: their scores and their rendered audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.audio_steps.timed_audio import SCENARIOS, Edges, TimedAudio, render, sounding_times
from benchmarks.fast_path import correlation
from benchmarks.find import Question, best, shares
from benchmarks.key_frames import score_frame
from seac.results.find import FindRule, Phrase
from tests.fixtures.parts import tone, write_wav

RATE = 8_000


def test_times_are_those_of_the_audible_parts() -> None:
    waveform = np.zeros(4 * RATE, np.float32)
    for start, stop in ((0.5, 1.0), (1.2, 2.0), (3.0, 3.5)):
        waveform[int(start * RATE) : int(stop * RATE)] = 0.3
    times = sounding_times(waveform, RATE)
    np.testing.assert_allclose(times, [(0.5, 2.0), (3.0, 3.5)], atol=0.021)
    assert sounding_times(np.zeros(RATE, np.float32), RATE) == ()


@pytest.mark.parametrize("kind", SCENARIOS)
def test_rendered_audio_is_reproducible_and_as_long_as_said(kind: str, tmp_path: Path) -> None:
    for folder in ("dog", "piano", "speech", "music", "wind", "rain", "traffic", "crowd"):
        (tmp_path / folder).mkdir()
        write_wav(tmp_path / folder / "tone.wav", tone("red", 3.0), 16_000)
    one, same = (render(tmp_path, ("dog", "piano"), kind, RATE, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one.waveform, same.waveform)
    assert len(one.waveform) == 12 * RATE
    assert np.abs(one.waveform).max() <= 1
    assert sum(map(len, one.times)) >= 2
    assert all(start < stop <= 12.1 for times in one.times for start, stop in times)
    if kind != "in turn":
        assert sum(map(bool, one.times)) == 1


@given(st.integers(-4, 4), st.integers(-4, 4))
def test_errors_are_those_of_the_edges(early: int, late: int) -> None:
    audio = TimedAudio(SCENARIOS[0], np.zeros(1, np.float32), (((1.0, 3.0),), ()))
    active = np.zeros((50, 2), np.bool_)
    active[10 + early : 30 + late, 0] = True
    edges = Edges.empty()
    edges.add(audio, active, 0.1)
    scores = edges.scores()
    np.testing.assert_allclose((edges.begins[0], edges.ends[0]), (early / 10, late / 10), atol=1e-9)
    assert scores["missed"] == 0
    assert scores["pauses"] == 0
    assert (scores["F1"] == 1) == (early == late == 0)


def test_a_silent_answer_misses_every_edge() -> None:
    audio = TimedAudio(SCENARIOS[0], np.zeros(1, np.float32), (((1.0, 2.0), (3.0, 4.0)), ()))
    edges = Edges.empty()
    edges.add(audio, np.zeros((50, 2), np.bool_), 0.1)
    assert edges.missed == 4


def test_the_best_rule_answers_what_can_be_answered() -> None:
    def question(case: str, cosine: float) -> Question:
        phrase = Phrase("", np.array([cosine], np.float32), np.array([cosine], np.float32))
        one = np.ones((1, 1), np.float32)
        return Question(case, phrase, one, np.array([case == "sounding"]), np.zeros((1, 1), np.int64), one)

    found = [question("sounding", 0.9), question("other photograph", 0.3), question("neither", 0.2)]
    assert shares(found, best(found))["mean"] == 1
    assert shares(found, FindRule(image=0, audio=0))["mean"] == 0.5


def test_rank_correlation_is_one_for_the_same_order() -> None:
    values = torch.tensor([0.1, 0.5, 0.2, 0.9])
    assert correlation(values, values.exp()) == pytest.approx(1)
    assert correlation(values, -values) == pytest.approx(-1)


def test_a_frame_scores_its_best_fitting_masks() -> None:
    masks = np.zeros((2, 4, 4), np.bool_)
    masks[0, :2] = masks[1, 2:] = True
    assert score_frame(masks, masks[::-1]) == 1
    assert score_frame(masks[:1], masks[1:]) == 0
    assert score_frame(masks[:0], masks) == 0
