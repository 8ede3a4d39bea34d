"""The audio encoder of MobileNetV3: log-mel frames, windows, the network."""

from __future__ import annotations

import math
import os
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from seac import InputError
from seac.encoders.audio import mobilenet_student
from seac.encoders.audio.mobilenet_student import MobileNetStudent, MobileNetStudentNetwork, load_network
from seac.encoders.audio.preemphasis_log_mel import BANDS, HOP, RATE, PreemphasisLogMel, mel_matrix
from seac.encoders.audio.windows import encode_windows
from seac.encoders.labels.descriptions import audioset_names

MODELS = Path(os.environ.get("SEAC_SHARED", "shared")) / "models"


def sine(hertz: float, seconds: float = 2.0) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * hertz * torch.arange(round(seconds * RATE)) / RATE)


def test_mel_bands_cover_0_to_15000_hz() -> None:
    matrix = mel_matrix()
    frequencies = torch.linspace(0, RATE / 2, matrix.shape[1])
    assert matrix.shape == (BANDS, 513)
    assert (matrix >= 0).all()
    assert (matrix[:, (frequencies > 1_000) & (frequencies < 14_000)].sum(0) > 0.9).all()
    assert matrix[:, frequencies > 15_000].sum() == 0


def test_a_tone_is_loudest_in_its_band_and_higher_tones_in_higher_bands() -> None:
    front = PreemphasisLogMel()
    bands = [int(front(sine(hertz)[None])[0].mean(1).argmax()) for hertz in (300, 1_000, 4_000, 12_000)]
    assert bands == sorted(set(bands))


@given(st.integers(600, 70_000))
@settings(max_examples=20, deadline=None)
def test_frames_are_ten_milliseconds_apart(length: int) -> None:
    assert PreemphasisLogMel()(torch.zeros(1, length)).shape == (1, BANDS, 1 + (length - 1) // HOP)


def test_a_tenth_of_the_amplitude_lowers_frames_by_a_constant() -> None:
    noise = 0.5 * torch.randn(1, 64_000, generator=torch.Generator().manual_seed(0))
    front = PreemphasisLogMel()
    difference = front(noise) - front(0.1 * noise)
    assert float(difference[:, 8:].median()) == pytest.approx(math.log(100) / 5, abs=0.01)


def test_silence_is_the_smallest_value() -> None:
    frames = PreemphasisLogMel()(torch.zeros(1, 64_000))
    torch.testing.assert_close(frames, torch.full_like(frames, (math.log(1e-5) + 4.5) / 5))


@pytest.fixture(scope="module")
def audio_encoder() -> MobileNetStudent:
    return MobileNetStudent.load()


def test_the_encoder_follows_the_protocol(audio_encoder: MobileNetStudent) -> None:
    features = audio_encoder(torch.stack([sine(500), sine(2_000)]))
    assert features.embeddings.shape == (2, audio_encoder.dim) == (2, 384)
    assert features.class_probabilities is not None
    assert features.class_probabilities.shape == (2, len(audio_encoder.labels)) == (2, 521)
    assert 0 <= features.class_probabilities.min() <= features.class_probabilities.max() <= 1
    assert audio_encoder.window == 2 * audio_encoder.sample_rate


@given(st.integers(1, 5))
@settings(max_examples=5, deadline=None)
def test_a_batch_equals_a_loop(audio_encoder: MobileNetStudent, count: int) -> None:
    windows = 0.1 * torch.randn(count, 64_000, generator=torch.Generator().manual_seed(count))
    loop = torch.cat([audio_encoder(window[None]).embeddings for window in windows])
    torch.testing.assert_close(audio_encoder(windows).embeddings, loop, atol=1e-4, rtol=1e-3)


def test_equal_windows_have_equal_features(audio_encoder: MobileNetStudent) -> None:
    first, second = (audio_encoder(sine(700)[None]).embeddings for _ in range(2))
    assert torch.equal(first, second)


def test_a_short_window_is_padded_to_a_second(audio_encoder: MobileNetStudent) -> None:
    short = sine(700, 0.2)
    padded = nn.functional.pad(short, (0, RATE - len(short)))
    torch.testing.assert_close(audio_encoder(short[None]).embeddings, audio_encoder(padded[None]).embeddings)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.5, 1.0, 2.0, 5.3])
def test_audio_of_any_length_is_encoded(audio_encoder: MobileNetStudent, seconds: float) -> None:
    features = encode_windows(sine(900, seconds), audio_encoder)
    assert len(features.embeddings) == max(1, math.ceil(seconds) - 1)
    assert features.embeddings.isfinite().all()


def test_silence_is_no_thing(audio_encoder: MobileNetStudent) -> None:
    probabilities = audio_encoder(torch.zeros(1, 64_000)).class_probabilities
    assert probabilities is not None
    assert audio_encoder.labels[int(probabilities[0].argmax())] == "Silence"


def test_fusing_batch_norm_does_not_change_outputs() -> None:
    network, version = load_network()
    assert any(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    logmel = torch.randn(2, 128, 200, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before = network.eval()(logmel)
        network.fuse_bn()
        after = network(logmel)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)
    assert version == MobileNetStudent.load().version


def test_no_windows_give_no_features(audio_encoder: MobileNetStudent) -> None:
    features = audio_encoder(torch.zeros(0, 64_000))
    assert features.embeddings.shape == (0, 384)


def test_the_shipped_file_is_small() -> None:
    assert len(files("seac").joinpath(mobilenet_student.WEIGHTS).read_bytes()) < 6_000_000


def test_a_damaged_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mobilenet_student, "SHA256", "0" * 64)
    with pytest.raises(InputError, match="damaged"):
        MobileNetStudent.load()
    (tmp_path / "a.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(InputError, match="no audio student"):
        MobileNetStudent.load(path=tmp_path / "a.safetensors")


def test_a_file_that_lacks_a_weight_is_not_used(tmp_path: Path) -> None:
    weights = load_file(str(files("seac").joinpath(mobilenet_student.WEIGHTS)))
    del weights["classify.weight"]
    save_file(weights, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="no audio student"):
        MobileNetStudent.load(path=tmp_path / "a.safetensors")


def test_a_missing_file_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mobilenet_student, "WEIGHTS", "assets/none.safetensors")
    with pytest.raises(InputError, match="missing"):
        MobileNetStudent.load()


def test_every_weight_of_the_teacher_has_a_place_and_the_classes_are_ours() -> None:
    weights, labels = MODELS / "mn04_as_mAP_432.pt", MODELS / "mn04_class_labels_indices.csv"
    if not weights.is_file():
        pytest.skip("needs the teachers of SEAC_SHARED")
    from recipes.audio_student.initial import class_columns, initial_student, load_mn04, read_names

    names = read_names(labels)
    columns = class_columns(names)
    assert [names[column] for column in columns] == list(audioset_names())
    logmel = torch.randn(2, 128, 200, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs, ours = load_mn04(weights)(logmel), initial_student(weights, labels)(logmel)
    assert theirs[1].shape == (2, 527)
    torch.testing.assert_close(ours[0], theirs[0])
    torch.testing.assert_close(ours[1], theirs[1][:, columns])


def test_the_network_has_the_published_number_of_weights() -> None:
    assert sum(value.numel() for value in MobileNetStudentNetwork(527).parameters()) == 983_599
