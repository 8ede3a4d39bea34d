"""The features of every preset can be extracted before its association is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from seac.cli import app
from seac.extraction.frozen import load_frozen
from seac.features import open_store
from seac.presets.spec import ModelSpec
from tests.fixtures import checkpoints
from tests.fixtures.parts import squares, tone, write_video


def test_the_frozen_half_does_nothing_else():
    model = load_frozen(ModelSpec("tiny", settings={"top_n": 7}))
    assert model.settings.top_n == 7
    assert set(model.stages.versions()) >= {"segmenter", "vision", "audio"}
    with pytest.raises(RuntimeError, match="frozen stages"):
        model.stages.association(None, None)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Small random weights of all parts but the association."""
    pytest.importorskip("open_clip")
    pytest.importorskip("segment_anything")
    folder = checkpoints.make(tmp_path_factory.mktemp("weights"))
    for path in folder.glob("association*"):
        path.rename(path.with_name("away-" + path.name))
    return folder


@pytest.mark.parametrize("preset", ["paper", "modern"])
def test_presets_on_tiny_random_weights(tmp_path, monkeypatch, weights, preset):
    monkeypatch.setenv("SEAC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEAC_OFFLINE", "1")
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos/a.mp4", [squares(72, 120)] * 20, tone("red", 2))
    arguments = ["extract", str(tmp_path / "videos"), str(tmp_path / "s"), "--preset", preset]
    assert app.run([*arguments, "--weights-dir", str(weights)]) == 0
    store = open_store(tmp_path / "s")
    (clip,) = store
    assert store.preset == preset
    assert clip.frames[0].embeddings.local.shape == (len(clip.frames[0]), store.mask_dim)
    assert clip.windows.embeddings.shape[1] == store.audio_dim
    assert len(clip.waveform) == pytest.approx(2 * store.sample_rate, rel=0.1)
    assert Path(tmp_path / "s/manifest.json").exists()
