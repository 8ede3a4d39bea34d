"""Composites: deterministic, with masks that fit the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recipes.common.media_bank import SILENT
from recipes.common.scenes import Composer
from recipes.common.waveforms import LENGTH, Recordings
from tests.fixtures.media_bank import write_media_bank

COLOURS = {"bell": (250, 20, 20), "drum": (20, 250, 20), SILENT: (20, 20, 250)}


@pytest.fixture(scope="module")
def media_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of discs with tones, and a grey background."""
    return write_media_bank(tmp_path_factory.mktemp("media_bank"), COLOURS)


@pytest.fixture(scope="module")
def composer(media_bank: Path) -> Composer:
    return Composer(media_bank / "pictures", media_bank / "grounds", ["bell", "drum"])


def test_the_same_seed_draws_the_same_scene(composer: Composer) -> None:
    first, second = (composer(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.owner, second.owner)
    assert first.class_names == second.class_names
    assert not np.array_equal(first.image, composer(np.random.default_rng(6)).image)


def test_a_requested_class_is_visible(composer: Composer) -> None:
    for seed in range(12):
        scene = composer(np.random.default_rng(seed), "drum")
        assert "drum" in scene.class_names
        assert (scene.masks().sum((1, 2)) > 60).all()
        assert (scene.masks().sum(0) <= 1).all()


def test_masks_lie_where_the_things_are(composer: Composer) -> None:
    """Each disc has one colour, so the image varies less inside of its mask than in the scene."""
    nearer = []
    for seed in range(20):
        scene = composer(np.random.default_rng(seed), "bell")
        mask = scene.masks()[scene.class_names.index("bell")]
        image = scene.image.astype(float)
        nearer.append(np.abs(image[mask] - image[mask].mean(0)).mean() < image.std((0, 1)).mean())
    assert np.mean(nearer) > 0.8


def test_audio_clips_are_deterministic_finite_and_neither_silent_nor_clipped(media_bank: Path) -> None:
    recordings = Recordings(media_bank / "sounds")
    for seed in range(8):
        clip, file = recordings("bell", np.random.default_rng(seed))
        again, _ = recordings("bell", np.random.default_rng(seed))
        assert np.array_equal(clip, again)
        assert clip.shape == (LENGTH,)
        assert file == "bell/a"
        assert 1e-3 < np.abs(clip).max() <= 1.0001
