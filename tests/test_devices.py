"""The preset on a GPU: the same masks, heard alike."""

from __future__ import annotations

import numpy as np
import pytest

import seac


@pytest.mark.gpu
def test_a_gpu_answers_as_the_cpu_does() -> None:
    y, x = np.mgrid[:160, :224]
    image = np.full((160, 224, 3), (90, 140, 90), np.uint8)
    image[(x - 60) ** 2 + (y - 80) ** 2 < 40**2] = (200, 40, 40)
    image[50:130, 140:200] = (40, 60, 200)
    time = np.arange(32_000) / 16_000
    wave = np.asarray(np.sin(880 * np.pi * time) * np.exp(-6 * (time % 0.5)), np.float32)
    cpu, gpu = (seac.load("tiny", device=device)(image, wave, 16_000) for device in ("cpu", "cuda"))
    assert gpu.masks.shape == cpu.masks.shape
    both, either = (cpu.masks & gpu.masks).sum((1, 2)), (cpu.masks | gpu.masks).sum((1, 2))
    assert (both > 0.98 * either).all()
    np.testing.assert_allclose(gpu.similarity, cpu.similarity, atol=5e-3)
