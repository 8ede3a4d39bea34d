"""Harmonic-percussive source separation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import median_filter

from seac.encoders.audio.hpss import REACH, audible, blend_components, hpss, moving_median
from seac.encoders.audio.windows import encode_windows
from seac.encoders.audio.yamnet_student import YamnetStudent

SAMPLES = 15_600


def sines(*hertz: float) -> torch.Tensor:
    time = torch.arange(SAMPLES) / 16_000
    return sum(0.3 * torch.sin(2 * math.pi * each * time) for each in hertz)  # type: ignore[return-value]


def clicks(every: int = 3_000) -> torch.Tensor:
    wave = torch.zeros(SAMPLES)
    wave[every // 2 :: every] = 0.9
    return wave


def power(wave: torch.Tensor) -> float:
    return float(wave.square().mean())


@pytest.mark.parametrize(("hertz", "component"), [((440.0,), 0), ((300.0, 1_700.0), 0), ((), 1)])
def test_tones_are_harmonic_and_clicks_are_percussive(hertz, component):
    wave = sines(*hertz) if hertz else clicks()
    parts = hpss(wave[None])[0]
    assert power(parts[component]) > 0.9 * power(wave)
    assert audible(parts[None], wave[None])[0].tolist() == [component == 0, component == 1]


def test_a_mixture_of_tone_and_clicks_is_separated():
    tone, beat = sines(440.0), clicks()
    harmonic, percussive = hpss((tone + beat)[None])[0]
    inside = slice(2_000, -2_000)  # at the ends the spectrum is mirrored
    assert power((harmonic - tone)[inside]) < 0.05 * power(tone)
    assert power((percussive - beat)[inside]) < 0.35 * power(beat)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.floats(1e-4, 1.0), st.integers(0, 1_000))
def test_components_add_up_at_any_level_and_a_batch_is_as_a_loop(count, level, seed):
    windows = level * torch.randn(count, SAMPLES, generator=torch.Generator().manual_seed(seed))
    parts = hpss(windows)
    torch.testing.assert_close(parts.sum(1), windows, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(torch.cat([hpss(one[None]) for one in windows]), parts)
    torch.testing.assert_close(hpss(windows * 0.5), parts * 0.5, atol=1e-6, rtol=1e-3)


def test_silence_has_no_components():
    parts = hpss(torch.zeros(1, SAMPLES))
    assert not parts.any()
    assert not audible(parts, torch.zeros(1, SAMPLES)).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(REACH, 40), st.integers(REACH, 40), st.sampled_from([1, 2]), st.integers(0, 1_000))
def test_medians_are_medians(height, width, dim, seed):
    maps = torch.randn(2, height, width, generator=torch.Generator().manual_seed(seed))
    size = [1, 1, 1]
    size[dim] = REACH
    expected = median_filter(maps.numpy(), size=size, mode="mirror")
    np.testing.assert_array_equal(moving_median(maps, dim).numpy(), expected)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_component_scores_only_raise_the_full_mix_scores(full, one, other):
    components = torch.tensor([[[one], [other]]])
    output = float(blend_components(torch.tensor([[full]]), components))
    assert min(full, max(one, other)) - 1e-6 <= output <= max(full, one, other) + 1e-6
    assert float(blend_components(torch.tensor([[full]]), torch.full((1, 2, 1), full))) == pytest.approx(full)


def test_audio_of_one_component_is_encoded_unseparated():
    tone, beat = sines(440.0), 12 * clicks()
    waves = torch.stack([tone, tone + beat, beat])
    fast, student = YamnetStudent.load(full_mix=True), YamnetStudent.load()
    full_mix, blended = fast(waves), student(waves)
    torch.testing.assert_close(blended.embeddings, full_mix.embeddings)
    for row in (0, 2):  # purely harmonic, purely percussive
        torch.testing.assert_close(blended.components[row], full_mix.embeddings[[row, row]])
        torch.testing.assert_close(blended.class_probabilities[row], full_mix.class_probabilities[row])
    parts = fast(hpss(waves[1:2])[0])
    torch.testing.assert_close(blended.components[1], parts.embeddings)
    torch.testing.assert_close(
        blended.class_probabilities[1],
        (full_mix.class_probabilities[1] + 0.5 * parts.class_probabilities.amax(0)) / 1.5,
    )
    assert full_mix.components is None
    assert fast.embedding_version == student.embedding_version == fast.version != student.version


def test_components_of_all_windows_are_returned():
    features = encode_windows(torch.cat([sines(440.0), clicks()]), YamnetStudent.load(), batch=2)
    assert features.components.shape == (len(features.embeddings), 2, YamnetStudent.dim)
    assert len(features.class_probabilities) == len(features.embeddings)
