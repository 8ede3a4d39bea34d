"""Conversion of audio to mono float32 waveforms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seac.core.errors import InputError
from seac.media.waveform import as_waveform


@pytest.mark.parametrize("shape", [(0,), (1, 0), (2, 0), (0, 2)])
def test_a_waveform_may_be_empty(shape: tuple[int, ...]) -> None:
    assert as_waveform(np.zeros(shape, np.float32), 8_000, 16_000).shape == (0,)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_floats_of_any_precision_are_accepted(dtype: torch.dtype) -> None:
    wave = torch.tensor([0.5, -0.25], dtype=dtype)
    assert as_waveform(wave, 16_000, 16_000).tolist() == [0.5, -0.25]


@pytest.mark.parametrize("rate", [None, "16000", 0, float("nan")])
def test_an_invalid_rate_is_refused(rate: object) -> None:
    with pytest.raises(InputError, match="sample_rate is"):
        as_waveform(np.zeros(10, np.float32), rate, 16_000)  # type: ignore[arg-type]
