"""Histograms against direct comparisons with every threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.scoring import Report, blobs, compare, page, reference_counts
from seac.metrics.functional.curves import _histograms, count_pixels, thresholds


def assert_same_counts(values: Tensor, masks: Tensor) -> None:
    fast, slow = count_pixels(values, masks), reference_counts(values, masks)
    assert torch.equal(fast.predicted, slow.predicted)
    assert torch.equal(fast.hit, slow.hit)
    assert torch.equal(fast.true, slow.true)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pixels_on_a_threshold_or_a_bit_beside_it_fall_as_compared(dtype: torch.dtype) -> None:
    cuts = thresholds().to(dtype)
    beside = [torch.nextafter(cuts, torch.full_like(cuts, end)) for end in (-1.0, 2.0)]
    values = torch.stack([cuts, *beside]).clamp(0, 1)[None]
    assert_same_counts(values, torch.rand(values.shape, generator=torch.Generator().manual_seed(0)) > 0.5)


@given(st.integers(0, 2**31), st.integers(1, 4), st.sampled_from([torch.float32, torch.float64]))
@settings(max_examples=40)
def test_histograms_equal_comparisons(seed: int, frames: int, dtype: torch.dtype) -> None:
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(frames, 7, 9, generator=rng, dtype=dtype) * 30  # many saturate at exactly 0 and 1
    assert_same_counts(logits.sigmoid(), torch.rand(frames, 7, 9, generator=rng) > 0.7)


def test_frames_counted_together_are_frames_counted_alone() -> None:
    rng = torch.Generator().manual_seed(1)
    values, masks = torch.rand(5, 6, 6, generator=rng), torch.rand(5, 6, 6, generator=rng) > 0.5
    together = _histograms(values.flatten(1), masks.flatten(1), thresholds())
    alone = [
        _histograms(v.flatten()[None], m.flatten()[None], thresholds())
        for v, m in zip(values, masks, strict=True)
    ]
    assert torch.equal(together, torch.cat(alone))


def test_thresholds_are_those_of_the_script() -> None:
    cuts = thresholds()
    assert cuts.dtype == torch.float32
    assert len(cuts) == 255
    assert cuts[0] == 0
    assert cuts[-1] == 1  # 1 - 1e-10 in single precision
    assert np.allclose(cuts, np.linspace(0, 1, 255), atol=1e-7)


def test_the_benchmark_finds_equal_counts() -> None:
    speed = compare(frames=2, repeats=1, seed=3)
    assert speed.equal
    assert speed.ratio == pytest.approx(speed.reference_ms_per_frame / speed.histogram_ms_per_frame)


class Work(TorchDispatchMode):
    """Counts the output values of torch operations, independent of the load of the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.values = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count the output values and return them."""
        given = func(*args, **(kwargs or {}))
        self.values += given.numel() if isinstance(given, torch.Tensor) else 0
        return given


def test_histograms_are_a_fraction_of_the_work_of_comparing_with_every_threshold() -> None:
    logits, masks = blobs(2, seed=3)
    values = logits.sigmoid()
    with Work() as ours:
        count_pixels(values, masks)
    with Work() as plain:
        reference_counts(values, masks)
    assert ours.values > values.numel()
    assert plain.values > 30 * ours.values


def test_the_page_says_so_when_golden_vectors_are_missing() -> None:
    text = page(Report("somewhere", 1, compare(1, 1, 0), {"vggss": 1.0}, ()), "a command")
    assert "not there" in text
    assert "`a command`" in text
