"""Scene cuts: what is one and what is none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from seac.video.shots import CutDetector, colour_difference, edge_correlation

Image = NDArray[np.uint8]


def scene(seed: int) -> Image:
    """Blocks of random colours (36, 64, 3)."""
    return np.random.default_rng(seed).integers(0, 200, (6, 8, 3), np.uint8).repeat(6, 0).repeat(8, 1)


def found(frames: list[Image]) -> list[int]:
    detect = CutDetector()
    return [index for index, frame in enumerate(frames) if detect(frame)]


def test_the_first_frame_of_a_shot_is_a_cut() -> None:
    frames = [scene(0)] * 4 + [scene(1)] * 4 + [scene(2)] * 2
    assert found(frames) == [4, 8]


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("light", [60, 120, 160])
def test_a_flash_is_no_cut(length: int, light: int) -> None:
    flash = (scene(0) * 1.2 + light).clip(0, 255).astype(np.uint8)
    assert found([scene(0)] * 4 + [flash] * length + [scene(0)] * 4) == []


def test_light_that_is_switched_off_is_no_cut() -> None:
    assert found([scene(0)] * 4 + [scene(0) // 4] * 4) == []


def test_a_pan_is_no_cut() -> None:
    wide = np.concatenate([scene(0), scene(1)], 1)
    assert found([wide[:, x : x + 64] for x in range(0, 60, 3)]) == []


def test_a_cut_to_and_from_black() -> None:
    black = np.zeros_like(scene(0))
    assert found([scene(0)] * 3 + [black] * 3 + [scene(1)] * 3) == [3, 6]


def test_measures_of_equal_and_different_frames() -> None:
    assert colour_difference(scene(0), scene(0)) == 0
    assert edge_correlation(scene(0), scene(0)) == pytest.approx(1)
    assert edge_correlation(scene(0), (scene(0) * 0.5 + 40).astype(np.uint8)) == pytest.approx(1, abs=0.01)
    assert abs(edge_correlation(scene(0), scene(1))) < 0.3
    assert edge_correlation(scene(0), np.zeros_like(scene(0))) == 0
