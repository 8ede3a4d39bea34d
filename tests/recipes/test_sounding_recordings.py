"""Training clips: rendering from recordings, encoding, and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from recipes.sounding.recordings import NOISE, SECONDS, ClipCounts, Clips, Renderer, encode_clips
from recipes.sounding.sources import PREFIX_QUIET, audible_sources
from tests.fixtures.parts import PitchAudioEncoder, tone, write_wav

RATE = 8_000
COUNTS = ClipCounts(variations=2, mixtures=6, backgrounds=3, noises=4)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of a short and a long tone, of a background, and of a class without a source."""
    folder = tmp_path_factory.mktemp("recordings")
    for name, colour, seconds in (
        ("dog", "red", 0.3),
        ("violin", "green", 3.0),
        ("wind", "blue", 1.0),
        ("no_such_class", "red", 1.0),
    ):
        (folder / name).mkdir()
        write_wav(folder / name / "a.ogg", tone(colour, seconds))  # decoding ignores the suffix
    return folder


def test_clips_have_the_same_length_and_are_finite(recordings: Path) -> None:
    clips = list(Renderer([recordings], RATE, seed=0)(COUNTS))
    for waveform, _, _ in clips:
        assert waveform.shape == (SECONDS * RATE,)
        assert waveform.dtype == np.float32
        assert np.isfinite(waveform).all()
        assert 0 < np.abs(waveform).max() <= 1
    names = [classes for _, classes, _ in clips]
    assert {classes[0] for classes in names} == {"dog", "violin", "wind", NOISE}
    assert sum(len(classes) == 2 and classes[1] == f"{PREFIX_QUIET}wind" for classes in names) == 3


def test_noise_has_no_class(recordings: Path) -> None:
    clips = list(Renderer([recordings], RATE, seed=0)(ClipCounts(0, 0, 0, noises=5)))
    assert [(classes, recording) for _, classes, recording in clips] == [((NOISE,), NOISE)] * 5
    assert not audible_sources((NOISE,)).any()


def test_the_same_seed_renders_the_same_clips(recordings: Path) -> None:
    first, second, other = (list(Renderer([recordings], RATE, seed)(COUNTS)) for seed in (0, 0, 1))
    for (waveform, classes, recording), (again, *same) in zip(first, second, strict=True):
        np.testing.assert_array_equal(waveform, again)
        assert [classes, recording] == same
    assert not np.array_equal(first[0][0], other[0][0])


def test_clips_survive_a_round_trip_through_a_file(recordings: Path, tmp_path: Path) -> None:
    encoder = PitchAudioEncoder()
    renderer = Renderer([recordings], encoder.sample_rate, seed=0)
    clips = encode_clips(renderer, ClipCounts(1, 0, 0, 1), encoder)
    count = len(clips.classes)
    assert clips.embeddings.shape == clips.class_probabilities.shape == (count, 3)
    assert len(clips.recordings) == count
    clips.save(tmp_path / "clips.pt")
    again = Clips.load(tmp_path / "clips.pt")
    assert (again.classes, again.recordings) == (clips.classes, clips.recordings)
    assert torch.equal(again.embeddings, clips.embeddings)
    assert [path.name for path in tmp_path.iterdir()] == ["clips.pt"]
