"""What a client is given to decide by itself: exact probabilities, covering masks, matches of a phrase."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seac.results.decide import DecideOptions
from seac.results.find import Phrase, find_steps
from seac.results.reader import VideoResult, open_result
from seac.serve.evidence import evidence_values, found_values
from tests.fixtures.scene import write_scene
from tests.results.synthetic import AUDIO_LABELS, LABELS, make_values, write_result


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> VideoResult:
    return open_result(write_result(tmp_path_factory.mktemp("result"), make_values(1, 20, 6)))


def test_probabilities_are_read_back_as_the_same_float32(result: VideoResult) -> None:
    values = json.loads(json.dumps(evidence_values(result)))
    for row, wanted in zip(values["steps"]["probability"], result.steps.probability, strict=True):
        assert np.array_equal(np.array(row, np.float32), wanted)
    assert values["steps"]["key_frame"] == result.steps.key_frame.tolist()
    assert values["steps"]["active"] == (~(result.steps.silent | result.steps.noise)).tolist()
    assert np.float32(values["threshold"]) == np.float32(result.threshold)


def test_a_phrase_says_which_tracks_and_steps_agree(result: VideoResult) -> None:
    dog, audio = np.eye(len(LABELS) - 1, dtype=np.float32)[0], np.eye(len(AUDIO_LABELS), dtype=np.float32)[0]
    phrase = Phrase("dog", dog, audio)
    found = found_values(result, DecideOptions(find=phrase))
    assert found is not None
    assert set(found["tracks"]) <= {track.id for track in result.tracks}
    steps = [step for first, last in found["steps"] for step in range(first, last)]
    assert steps == np.flatnonzero(find_steps(result.steps, phrase)).tolist()
    assert found_values(result, DecideOptions()) is None


def test_pairs_of_covering_masks_are_rows_of_the_key_frame(tmp_path: Path) -> None:
    values = evidence_values(open_result(write_scene(tmp_path)))
    assert values["key_frames"]["covering"][0] == [0, 2]  # the square lies in the wall
