"""The decision from logits, relative to the masks of a frame or absolute."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.decision.base import ObjectnessSum
from seac.decision.calibration import Calibration
from seac.decision.sounding import decide, softmax_scores
from tests.fixtures.sounding import random_audio, random_frame

CALIBRATION = Calibration(slope=1.0, offset=0.0, threshold=0.5, margin=100.0)
LOGITS = st.lists(st.floats(-8, 8), max_size=6)


@given(LOGITS)
def test_scores_of_an_absolute_head_are_its_probabilities(logits: list[float]) -> None:
    decision = decide(torch.tensor(logits), CALIBRATION, 0.1, absolute=True, inactive=False)
    assert decision.absolute
    assert torch.equal(decision.scores, decision.probability)
    assert torch.equal(decision.probability, torch.tensor(logits).sigmoid())
    assert torch.equal(decision.sounding, decision.probability >= CALIBRATION.threshold)


@given(LOGITS, st.floats(0.05, 2))
def test_scores_of_a_relative_head_are_a_softmax(logits: list[float], temperature: float) -> None:
    given_logits = torch.tensor(logits)
    decision = decide(given_logits, CALIBRATION, temperature, absolute=False, inactive=False)
    assert not decision.absolute
    assert torch.equal(decision.scores, softmax_scores(given_logits, temperature))
    assert len(logits) == 0 or float(decision.scores.max()) == 1


@given(LOGITS, st.booleans())
def test_no_mask_sounds_if_the_audio_is_inactive(logits: list[float], absolute: bool) -> None:
    decision = decide(torch.tensor(logits), CALIBRATION, 0.1, absolute=absolute, inactive=True)
    assert not decision.probability.any()
    assert not decision.sounding.any()


def test_a_mask_beyond_the_margin_does_not_sound() -> None:
    narrow = Calibration(slope=1.0, offset=0.0, threshold=0.1, margin=0.5)
    decision = decide(torch.tensor([2.0, 1.6, 1.0]), narrow, 0.1, absolute=False, inactive=False)
    assert decision.sounding.tolist() == [True, True, False]


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_sum_adds_weighted_objectness(weight: float) -> None:
    frame, similarity = random_frame(3), torch.tensor([0.1, 0.2, 0.3])
    head = ObjectnessSum()
    assert not head.absolute
    logits = head(similarity, frame, random_audio(), weight)
    torch.testing.assert_close(logits, similarity + weight * frame.proposals.scores)
