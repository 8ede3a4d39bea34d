"""Augmentation of cut-outs by warping and texture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from recipes.common.shapes import apply_grain, warp


@pytest.fixture(scope="module")
def disc() -> Image.Image:
    image = Image.new("RGBA", (90, 60))
    ImageDraw.Draw(image).ellipse([0, 0, 89, 59], fill=(200, 40, 10, 255))
    return image


def opaque(image: Image.Image) -> np.ndarray:
    return np.asarray(image.getchannel("A")) > 127


def test_zero_warp_is_the_identity(disc: Image.Image) -> None:
    same = warp(np.random.default_rng(0), disc, max_shift=0.0)
    assert np.abs(np.subtract(same.size, disc.size)).max() <= 2  # interpolation adds a pixel
    assert opaque(same).sum() == pytest.approx(opaque(disc).sum(), rel=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_a_warped_object_is_complete_and_of_similar_area(disc: Image.Image, seed: int) -> None:
    once, again = (warp(np.random.default_rng(seed), disc) for _ in range(2))
    assert once.tobytes() == again.tobytes()
    assert 0.5 < opaque(once).sum() / opaque(disc).sum() < 1.8
    colours = np.asarray(once)[opaque(once)][:, :3]
    assert np.median(np.abs(colours - [200, 40, 10]).max(1)) <= 1


def test_seeds_warp_differently(disc: Image.Image) -> None:
    sizes = {warp(np.random.default_rng(seed), disc).tobytes() for seed in range(5)}
    assert len(sizes) == 5


def test_a_uniform_texture_keeps_colours_and_a_varied_one_shades_them() -> None:
    colour = np.full((8, 8, 3), 100, np.float32)
    even = np.full((8, 8, 3), 60, np.float32)
    np.testing.assert_allclose(apply_grain(np.random.default_rng(0), colour, even), colour, rtol=1e-5)
    even[:, 4:] = 180
    shaded = apply_grain(np.random.default_rng(0), colour, even)
    assert shaded.dtype == np.float32
    assert shaded[:, 4:].min() > 100 > shaded[:, :4].max()
