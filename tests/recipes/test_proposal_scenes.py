"""Scenes for training the proposal network: exact masks under all augmentations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipes.common import object_scenes as scenes
from recipes.common.object_scenes import Painter, wire


@pytest.fixture
def painter(tmp_path: Path) -> Painter:
    """A painter with one blue disc and one grey background."""
    y, x = np.mgrid[:40, :60]
    alpha = 255 * (((x - 30) / 30) ** 2 + ((y - 20) / 20) ** 2 < 1)
    layer = np.dstack([np.full_like(x, 20), np.full_like(x, 60), np.full_like(x, 220), alpha])
    for folder, image in (
        ("images/disc", Image.fromarray(layer.astype(np.uint8))),
        ("backgrounds", Image.new("RGB", (90, 80), (120, 120, 120))),
    ):
        (tmp_path / folder).mkdir(parents=True)
        image.save(tmp_path / folder / ("1.png" if image.mode == "RGBA" else "1.jpg"))
    return Painter(tmp_path, 64)


@pytest.mark.parametrize("seed", range(8))
def test_a_wire_fills_its_layer_and_is_thin(seed: int) -> None:
    layer = wire(np.random.default_rng(seed), 80)
    opaque = layer[..., 3] > 0
    assert opaque.any(0)[[0, -1]].all()
    assert opaque.any(1)[[0, -1]].all()
    assert np.isfinite(layer).all()
    assert 0.01 < opaque.mean() < 0.8


def test_recolouring_a_part_leaves_the_mask_unchanged(painter: Painter) -> None:
    layer = np.asarray(painter.things[0], np.float32)
    changed = 0
    for seed in range(12):
        other = painter._recolour_part(np.random.default_rng(seed), layer)
        assert np.array_equal(other[..., 3], layer[..., 3])
        same = np.isclose(other[..., :3], layer[..., :3]).all(-1)
        changed += 0 < same.mean() < 1  # a part, not all
    assert changed > 6


def test_scenes_are_a_function_of_their_seed(painter: Painter) -> None:
    one, again, other = (painter(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.owner, again.owner)
    assert not np.array_equal(one.image, other.image)


def test_every_type_of_object_has_an_owner_map(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    for blobs, wires in ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0)):
        monkeypatch.setattr(scenes, "BLOBS", blobs)
        monkeypatch.setattr(scenes, "WIRES", wires)
        rendered = [painter(np.random.default_rng(seed)) for seed in range(6)]
        assert all(scene.owner.max() < scene.count for scene in rendered)
        assert any((scene.owner >= 0).any() for scene in rendered)
        assert all(scene.image.shape == (64, 64, 3) for scene in rendered)
