"""The audio encoder: windows, log-mel, the network."""

from __future__ import annotations

from importlib.resources import files

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from seac import InputError
from seac.encoders.audio import yamnet_student
from seac.encoders.audio.log_mel import LogMel, mel_matrix
from seac.encoders.audio.windows import encode_windows, top_classes, windows_of
from seac.encoders.audio.yamnet_student import YamnetStudent, load_network
from tests.fixtures.parts import PitchAudioEncoder, tone


@given(st.integers(0, 5000), st.integers(1, 700), st.integers(1, 700))
def test_windows_cover_the_whole_waveform(length, window, hop):
    hop = min(hop, window)
    wave = torch.arange(1.0, length + 1)
    windows = windows_of(wave, window, hop)
    assert windows.shape[1] == window
    assert set(wave.tolist()) <= set(windows.flatten().tolist())
    if length >= window:
        assert len(windows) == 1 + -(-(length - window) // hop)


def test_no_audio_is_one_window_of_silence():
    assert windows_of(torch.zeros(0), 10, 5).tolist() == [[0.0] * 10]


def test_the_batch_size_does_not_matter():
    wave = torch.from_numpy(tone("red", 3))
    batch, single = (
        encode_windows(wave, PitchAudioEncoder()),
        encode_windows(wave, PitchAudioEncoder(), batch=1),
    )
    torch.testing.assert_close(batch.class_probabilities, single.class_probabilities)


def test_class_names_are_ordered_by_probability():
    class_probabilities = top_classes(
        encode_windows(torch.from_numpy(tone("blue", 1)), PitchAudioEncoder()), PitchAudioEncoder.labels
    )
    assert class_probabilities[0][0] == "blue"
    assert [value for _, value in class_probabilities] == sorted(
        (value for _, value in class_probabilities), reverse=True
    )


def test_mel_bands_cover_125_to_7500_hz():
    matrix = mel_matrix()
    assert matrix.shape == (257, 64)
    assert (matrix >= 0).all()
    frequencies = torch.linspace(0, 8000, 257)
    inside = (frequencies > 300) & (frequencies < 7000)
    assert (matrix[inside].sum(1) > 0.9).all()
    assert matrix[(frequencies < 100) | (frequencies > 7600)].sum() == 0


def test_a_tone_is_loudest_in_its_band():
    front = LogMel()
    bands = [int(front(torch.from_numpy(tone(name, 1))[None, :15_600])[0].mean(0).argmax()) for name in
             ("red", "green", "blue")]  # fmt: skip
    assert bands == sorted(set(bands))
    assert front(torch.zeros(2, 15_600)).shape == (2, 96, 64)


@pytest.fixture(scope="module")
def audio_encoder():
    return YamnetStudent.load()


def test_the_encoder_follows_the_protocol(audio_encoder):
    features = audio_encoder(torch.from_numpy(tone("red", 2))[:31_200].view(2, -1))
    assert features.embeddings.shape == (2, audio_encoder.dim)
    assert features.class_probabilities.shape == (2, len(audio_encoder.labels)) == (2, 521)
    assert features.embeddings.min() >= 0
    assert 0 <= features.class_probabilities.min() <= features.class_probabilities.max() <= 1


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 5))
def test_a_batch_equals_a_loop(audio_encoder, count):
    windows = 0.1 * torch.randn(count, 15_600, generator=torch.Generator().manual_seed(count))
    loop = torch.cat([audio_encoder(window[None]).class_probabilities for window in windows])
    torch.testing.assert_close(audio_encoder(windows).class_probabilities, loop, atol=1e-5, rtol=1e-4)


def test_fusing_batch_norm_does_not_change_outputs_and_is_done_once():
    network, version = load_network()
    assert any(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    logmel = torch.randn(2, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before = network.eval()(logmel)
        network.fuse_bn()
        after = network(logmel)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)
    with pytest.raises(TypeError, match="no convolution and its batch norm"):
        network.fuse_bn()
    assert version == YamnetStudent.load().version


def test_no_windows_give_no_features(audio_encoder):
    assert audio_encoder(torch.zeros(0, 15_600)).class_probabilities.shape == (0, 521)


def test_a_damaged_file_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(yamnet_student, "SHA256", "0" * 64)
    with pytest.raises(InputError, match="damaged"):
        YamnetStudent.load()
    (tmp_path / "a.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(InputError, match="no audio student"):
        YamnetStudent.load(path=tmp_path / "a.safetensors")


def test_a_file_that_lacks_a_weight_is_not_used(tmp_path):
    weights = load_file(str(files("seac").joinpath(yamnet_student.WEIGHTS)))
    del weights["classify.weight"]
    save_file(weights, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="no audio student"):
        YamnetStudent.load(path=tmp_path / "a.safetensors")


def test_a_missing_file_is_an_input_error(monkeypatch):
    monkeypatch.setattr(yamnet_student, "WEIGHTS", "assets/none.safetensors")
    with pytest.raises(InputError, match="missing"):
        YamnetStudent.load()
