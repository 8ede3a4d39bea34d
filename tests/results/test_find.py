"""Finding by a phrase needs both the image and the audio."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seac.results.find import FindRule, Phrase, audio_agreement, find_steps, find_tracks, image_agreement
from seac.results.values import AudioSteps

DOG = Phrase("a dog", np.array([1.0, 0.2], np.float32), np.array([0.9, -0.1, 0.0], np.float32))
RULE = FindRule()


def steps_of(sources: list[list[int]]) -> AudioSteps:
    count = len(sources)
    found = np.array(sources, np.int64).reshape(count, -1)
    zeros, off = np.zeros(count, np.float32), np.zeros(count, np.bool_)
    likely = np.where(found >= 0, np.float32(0.5), np.float32(0))
    return AudioSteps(zeros, off, off, found, likely, np.zeros(count, np.int64), (zeros[:0],) * count)


def test_a_track_with_the_name_of_the_phrase_is_found() -> None:
    assert find_tracks(np.array([[0.9, 0.1], [0.02, 0.98], [0, 0]], np.float32), DOG).tolist() == [
        *(True, False, False)
    ]


def test_steps_with_the_class_of_the_phrase_are_found() -> None:
    assert find_steps(steps_of([[0, 1], [1, 2], [-1, -1]]), DOG).tolist() == [True, False, False]


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2), min_size=1, max_size=5))
def test_agreement_is_a_share(scores: list[list[float]]) -> None:
    agreement = image_agreement(np.array(scores, np.float32), DOG, RULE)
    assert ((agreement >= 0) & (agreement <= 1 + 1e-5)).all()


@given(st.lists(st.integers(-1, 2), min_size=3, max_size=3))
def test_missing_classes_do_not_count(sources: list[int]) -> None:
    full = audio_agreement(np.array([sources]), np.ones((1, 3), np.float32), DOG, RULE)
    kept = [source for source in sources if source >= 0]
    part = audio_agreement(np.array([kept or [-1]]), np.ones((1, max(1, len(kept))), np.float32), DOG, RULE)
    np.testing.assert_allclose(full, part, atol=1e-5)
