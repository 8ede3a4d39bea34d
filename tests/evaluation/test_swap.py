"""Partners of clips, repeated audio, and what is active under own audio, other audio and silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.evaluation.swap import RepeatedAudio, compare, draw_partners
from seac.media.sources import Source, resolve_source
from tests.fixtures.parts import squares, synthetic_model, tone, write_video, write_wav

SIDE = 0.02
"""Share of pixels by which a mask of a compressed video may differ."""


def clip(path: Path, name: str, seconds: float = 2.0) -> Source:
    """A video of three coloured squares under the tone of one of them."""
    audio = tone(name, seconds)
    return resolve_source(write_video(path, [squares()] * round(10 * seconds), audio))


@given(count=st.integers(2, 30), others=st.integers(1, 29), seed=st.integers(0, 99))
def test_every_clip_gets_other_clips_and_each_is_used_equally_often(
    count: int, others: int, seed: int
) -> None:
    others = min(others, count - 1)
    partners = draw_partners(count, others, seed)
    assert partners == draw_partners(count, others, seed)
    for number, chosen in enumerate(partners):
        assert number not in chosen
        assert len(set(chosen)) == others
    used = torch.bincount(torch.tensor(partners).flatten(), minlength=count)
    assert used.tolist() == [others] * count


def test_another_seed_gives_other_partners() -> None:
    assert draw_partners(20, 1, 0) != draw_partners(20, 1, 1)


def test_short_audio_starts_over_at_its_end(tmp_path: Path) -> None:
    ramp = np.linspace(0, 0.9, 16_000, dtype=np.float32)
    path = write_wav(tmp_path / "ramp.wav", ramp)
    audio = RepeatedAudio(Source(path, path, False, 1.0), 16_000)
    first, place = audio.read(0.5, 0.1)
    assert place == pytest.approx(0.1)
    assert len(first) == 3200
    again, place = audio.read(2.5, 0.1)
    assert torch.equal(first, again)
    assert place == pytest.approx(0.1)


class TestCompare:
    def test_own_and_other_audio_activate_the_squares_of_their_colours(self, tmp_path: Path) -> None:
        red, green = clip(tmp_path / "red.mp4", "red"), clip(tmp_path / "green.mp4", "green")
        for frame in compare(synthetic_model(workers=1), red, (green, red), 1.0):
            assert frame.own.pixels.shape == (1, 96, 160)
            assert frame.own.pixels.any()
            assert not (frame.own.pixels & frame.others[0].pixels).double().mean() > SIDE
            assert torch.equal(frame.own.pixels, frame.others[1].pixels)
            assert torch.equal(frame.own.probability, frame.others[1].probability)
            assert not frame.silence.pixels.any()
            assert frame.silence.probability == 0

    def test_every_frame_is_encoded_once(self, tmp_path: Path) -> None:
        model = synthetic_model(workers=1)
        calls, segment = [], model.stages.segmenter
        object.__setattr__(model.stages, "segmenter", lambda image: calls.append(1) or segment(image))
        red, green = clip(tmp_path / "red.mp4", "red"), clip(tmp_path / "green.mp4", "green")
        found = list(compare(model, red, (green, green, green), 1.0))
        assert len(calls) == len(found) == 2

    def test_a_clip_longer_than_the_other_audio_hears_it_again(self, tmp_path: Path) -> None:
        red = clip(tmp_path / "red.mp4", "red", 5.0)
        green = clip(tmp_path / "green.mp4", "green", 2.0)
        found = list(compare(synthetic_model(workers=1), red, (green,), 1.0))
        assert len(found) == 5
        assert all(frame.others[0].pixels.any() for frame in found)
