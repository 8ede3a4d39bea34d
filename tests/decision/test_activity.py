"""Silence, and the decision from a cosine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.core.types import AudioFeatures
from seac.decision.activity import is_silent, level, noisiness
from seac.decision.calibration import Calibration
from seac.decision.sounding import sounding
from seac.encoders.audio.windows import encode_windows
from seac.encoders.audio.yamnet_student import YamnetStudent
from seac.media.decode import load_waveform

CALIBRATION = Calibration()


@pytest.mark.parametrize("length", [0, 1, 99, 16_000])
def test_zeros_of_any_length_are_silent(length):
    assert is_silent(torch.zeros(length), 16_000, CALIBRATION)


def test_level_is_that_of_the_loudest_tenth():
    wave = torch.zeros(16_000)
    wave[8_000:9_600] = 0.1
    assert abs(level(wave, 16_000) + 20) < 0.1


def test_the_end_of_a_sound_counts_though_it_is_no_whole_tenth():
    wave = torch.zeros(3_100)
    wave[1_600:] = 0.1
    assert abs(level(wave, 16_000) + 20) < 0.3


def test_a_clap_in_silence_is_active():
    wave = torch.zeros(160_000)
    wave[80_000:80_100] = 0.5
    assert not is_silent(wave, 16_000, CALIBRATION)


def test_what_the_network_calls_silence_is_silent_only_if_every_window_is():
    wave = torch.full((16_000,), 0.01)
    for class_probabilities, silent in (([[0.99], [0.99]], True), ([[0.99], [0.1]], False)):
        features = AudioFeatures(torch.zeros(2, 1), torch.tensor(class_probabilities))
        assert is_silent(wave, 16_000, CALIBRATION, features, ("Silence",)) is silent


@given(cosines=st.lists(st.floats(-1, 1), max_size=8))
def test_nothing_sounds_in_silence(cosines):
    assert not sounding(torch.tensor(cosines), CALIBRATION, silent=True).any()


def test_a_higher_similarity_is_more_probable():
    assert (CALIBRATION.probability(torch.linspace(-1, 1, 50)).diff() > 0).all()


def test_constants_survive_a_file(tmp_path):
    Calibration(slope=3, offset=-1, threshold=0.4).save(tmp_path / "a.json")
    assert '"slope": 3' in (tmp_path / "a.json").read_text()
    assert isinstance(Calibration.load(), Calibration)


@pytest.mark.parametrize(("noise", "dog", "expected"), [(0.6, 0.2, 0.75), (0.2, 0.6, 0.25), (0.0, 0.0, 0.0)])
def test_noise_is_weighed_against_what_has_a_source(noise, dog, expected):
    class_probabilities = torch.tensor([[noise, dog, noise / 2], [noise, dog, 0.0]])
    share = noisiness(AudioFeatures(torch.zeros(2, 1), class_probabilities), ("White noise", "Dog", "Hum"))
    assert share == pytest.approx(expected)


def test_an_encoder_without_a_noise_class_detects_no_noise():
    assert noisiness(AudioFeatures(torch.zeros(1, 1), torch.ones(1, 2)), ("Dog", "Cat")) == 0
    assert noisiness(AudioFeatures(torch.zeros(1, 1), None), ()) == 0
    assert noisiness(AudioFeatures(torch.zeros(0, 1), torch.zeros(0, 1)), ("Noise",)) == 0


@pytest.mark.parametrize("level", [-50, -40, -30])
def test_the_audio_encoder_separates_room_noise_from_a_dog(level):
    audio_encoder, draw = YamnetStudent.load(), torch.Generator().manual_seed(0)
    room = 10 ** (level / 20) * torch.randn(80_000, generator=draw)
    bark = load_waveform(Path(__file__).parents[2] / "demo/clip.mp4")[4_800:40_000]
    assert noisiness(encode_windows(room, audio_encoder), audio_encoder.labels) >= CALIBRATION.noise
    assert noisiness(encode_windows(bark, audio_encoder), audio_encoder.labels) < CALIBRATION.noise / 2


def test_nothing_but_noise_is_full_of_it():
    assert noisiness(AudioFeatures(torch.zeros(1, 1), torch.ones(1, 1)), ("Noise",)) == 1
