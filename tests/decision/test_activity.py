"""Activity of the audio, and the decision from a cosine."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.core.types import AudioFeatures, AudioSummary
from seac.decision.activity import level, summarise
from seac.decision.calibration import Calibration
from seac.decision.sounding import sounding
from seac.media.decode import load_waveform
from tests.fixtures.demo import CLIP

CALIBRATION = Calibration()
NO_FEATURES = AudioFeatures(torch.zeros(1, 1), None)


def summary_of(waveform: torch.Tensor, moment: float | None = None) -> AudioSummary:
    return summarise(waveform, 16_000, NO_FEATURES, (), CALIBRATION, moment)


@pytest.mark.parametrize("length", [0, 1, 99, 16_000])
def test_zeros_of_any_length_are_silent(length):
    assert summary_of(torch.zeros(length)).silent


def test_level_is_that_of_the_loudest_tenth():
    wave = torch.zeros(16_000)
    wave[8_000:9_600] = 0.1
    assert abs(level(wave, 16_000) + 20) < 0.1


def test_the_end_of_the_audio_counts_if_it_is_shorter_than_a_tenth():
    wave = torch.zeros(3_100)
    wave[1_600:] = 0.1
    assert abs(level(wave, 16_000) + 20) < 0.3


def test_a_clap_in_silence_is_active():
    wave = torch.zeros(160_000)
    wave[80_000:80_100] = 0.5
    assert not summary_of(wave).silent


def test_a_pause_is_silent_and_what_surrounds_it_is_not():
    wave = 0.001 * torch.randn(32_000, generator=torch.Generator().manual_seed(0))
    wave[:8_000] *= 100
    wave[24_000:] *= 100
    silent = [summary_of(wave, moment).silent for moment in (0.2, 1.0, 1.8)]
    assert silent == [False, True, False]
    assert not summary_of(wave).silent


def test_a_moment_of_an_empty_waveform_is_silent():
    assert summary_of(torch.zeros(0), 0.0).silent


@given(cosines=st.lists(st.floats(-1, 1), max_size=8))
def test_no_mask_sounds_in_silence(cosines):
    assert not sounding(torch.tensor(cosines), CALIBRATION, inactive=True).any()


def test_a_higher_similarity_is_more_probable():
    assert (CALIBRATION.probability(torch.linspace(-1, 1, 50)).diff() > 0).all()


def test_constants_are_written_and_read(tmp_path):
    Calibration(slope=3, offset=-1, threshold=0.4).save(tmp_path / "a.json")
    assert '"slope": 3' in (tmp_path / "a.json").read_text()
    assert isinstance(Calibration.load(), Calibration)


@pytest.mark.parametrize("level", [-50, -40, -30])
def test_room_noise_is_inactive_and_a_bark_is_active(level: float) -> None:
    draw = torch.Generator().manual_seed(0)
    room = 10 ** (level / 20) * torch.randn(80_000, generator=draw)
    bark = load_waveform(CLIP)[4_800:40_000]
    assert summary_of(room).noise
    assert summary_of(room).inactive
    assert not summary_of(bark).inactive


def test_noise_is_active_without_the_gate() -> None:
    room = 0.03 * torch.randn(80_000, generator=torch.Generator().manual_seed(0))
    for noise_gate in (True, False):
        gate = Calibration(noise_gate=noise_gate)
        summary = summarise(room, 16_000, NO_FEATURES, (), gate)
        assert summary.inactive == noise_gate
    assert summarise(0 * room, 16_000, NO_FEATURES, (), gate).silent
