"""Excerpts of audio are the samples of their time."""

from __future__ import annotations

import math
import tempfile
import wave
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seac.media.wav import Excerpt, write_excerpts
from tests.fixtures.parts import write_wav

RATE, SECONDS = 16_000, 2.5


def read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


SPANS = st.tuples(st.floats(0, 3), st.floats(0.01, 3), st.floats(0, 4))


@settings(max_examples=30)
@given(st.lists(SPANS, max_size=4))
def test_excerpts_are_slices_of_the_audio(spans: list[tuple[float, float, float]]) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, round(SECONDS * RATE)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "noise.wav")
        write_wav(source, noise)
        whole = Path(folder, "whole.wav")
        write_excerpts(source, [Excerpt(whole, 0.0, math.inf)], layout="mono", rate=RATE)
        known = np.concatenate([read(whole), np.zeros(10 * RATE, np.int16)])
        assert len(read(whole)) == len(noise)
        excerpts = [
            Excerpt(Path(folder, f"{number}.wav"), start, start + length, silent_from)
            for number, (start, length, silent_from) in enumerate(spans)
        ]
        write_excerpts(source, excerpts, layout="mono", rate=RATE)
        for excerpt in excerpts:
            first, last = round(excerpt.start * RATE), round(excerpt.stop * RATE)
            expected = known[first:last].copy()
            expected[max(0, round(excerpt.silent_from * RATE) - first) :] = 0
            assert np.array_equal(read(excerpt.path), expected)


def test_without_a_source_there_is_silence(tmp_path: Path) -> None:
    write_excerpts(None, [Excerpt(tmp_path / "a.wav", 1.0, 1.5)], layout="mono", rate=RATE)
    assert np.array_equal(read(tmp_path / "a.wav"), np.zeros(RATE // 2))
