"""Detection of stationary noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.decision.stationary_noise import is_stationary_noise, spectral_deviation
from seac.media.decode import load_waveform

RATE = 16_000


def noise(colour: float, seconds: float, seed: int, rate: int = RATE) -> Tensor:
    """Noise whose power falls with the ``colour``-th power of frequency, RMS 1: (S,) float32."""
    samples = round(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=samples))
    spectrum *= (1 + np.arange(len(spectrum))) ** (-colour / 2)
    waveform = np.fft.irfft(spectrum, samples)
    return torch.from_numpy((waveform / waveform.std()).astype(np.float32))


@settings(max_examples=40)
@given(
    st.floats(0, 2),
    st.floats(0.85, 6),
    st.floats(-80, -12),
    st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]),
    st.integers(0, 2**31),
)
def test_noise_of_any_colour_length_and_level_is_stationary(
    colour: float, seconds: float, level: float, rate: int, seed: int
) -> None:
    waveform = (10 ** (level / 20) * noise(colour, seconds, seed, rate)).clamp(-1, 1)
    assert is_stationary_noise(waveform, rate)


@settings(max_examples=40)
@given(st.floats(200, 7_000), st.floats(1, 20), st.integers(0, 2**31))
def test_noise_with_a_tone_of_equal_level_is_not_stationary(hertz: float, above: float, seed: int) -> None:
    time = torch.arange(2 * RATE) / RATE
    tone = 2**0.5 * torch.sin(2 * torch.pi * hertz * time) * 10 ** (above / 20)
    assert not is_stationary_noise(0.05 * (tone + noise(0, 2, seed)), RATE)


def test_modulated_noise_is_not_stationary() -> None:
    waveform = 0.1 * noise(1, 4, 0)
    swelling = waveform * torch.linspace(0.05, 1, len(waveform))
    knocking = waveform * (torch.arange(len(waveform)) % RATE < RATE // 2)
    assert not is_stationary_noise(swelling, RATE)
    assert not is_stationary_noise(knocking, RATE)


@pytest.mark.parametrize("waveform", [torch.zeros(0), torch.zeros(2 * RATE), torch.ones(2 * RATE)])
def test_silence_is_not_noise(waveform: Tensor) -> None:
    assert not is_stationary_noise(waveform, RATE)


def test_a_moment_is_too_short_to_classify() -> None:
    assert not is_stationary_noise(noise(0, 0.5, 0), RATE)


@given(st.floats(-20, 20), st.floats(-60, 20))
def test_a_straight_line_has_no_spectral_deviation(slope: float, start: float) -> None:
    line = start + slope * torch.linspace(0, 1, 24)
    assert spectral_deviation(line) == pytest.approx(0, abs=1e-4)
    tilted = line.clone()
    tilted[12] += 24**0.5
    assert spectral_deviation(tilted) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("level", [-60, -30, -15, -6])
def test_noise_is_detected_at_any_level(level: float) -> None:
    assert is_stationary_noise((10 ** (level / 20) * noise(0, 2, 1)).clamp(-1, 1), RATE)


def test_no_recording_is_detected_as_noise(shared: Path) -> None:
    recordings = sorted((shared / "data/media").rglob("*.ogg"))
    assert recordings
    assert not [path.stem for path in recordings if is_stationary_noise(load_waveform(path), RATE)]
