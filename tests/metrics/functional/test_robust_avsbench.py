"""AVSBench-Robust: global metrics from the score and the false positives."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.metrics.functional import avsbench, robust_avsbench
from seac.metrics.functional.robust_avsbench import CONDITIONS, combine

RATES = st.lists(st.floats(0, 1), min_size=3, max_size=3)


def frames(own: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """``own`` frames under their own audio, then two of each condition."""
    rng = torch.Generator().manual_seed(seed)
    condition = torch.tensor([0] * own + [1, 2, 3] * 2)
    logits = torch.randn(len(condition), 6, 6, generator=rng)
    return logits, logits > 0.5, condition


def joined(miou: float, fscore: float, rates: list[float]) -> dict[str, float]:
    sums = torch.tensor([[rate, 1.0] for rate in rates], dtype=torch.float64)
    return combine({"miou": miou, "fscore": fscore}, sums, CONDITIONS)


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), RATES)
def test_the_global_score_is_the_geometric_mean_over_conditions(
    miou: float, fscore: float, rates: list[float]
) -> None:
    found = joined(miou, fscore, rates)
    for name, score in (("g_miou", miou), ("g_fscore", fscore)):
        parts = [math.sqrt(score * (1 - rate)) for rate in rates]
        assert found[name] == pytest.approx(math.prod(parts) ** (1 / 3), abs=1e-9)
        assert min(parts) - 1e-9 <= found[name] <= max(parts) + 1e-9
    assert min(rates) - 1e-9 <= found["g_fpr"] <= max(rates) + 1e-9


def test_no_false_positives_leave_the_root_of_the_score_and_a_full_image_leaves_nothing() -> None:
    assert joined(0.64, 1, [0, 0, 0])["g_miou"] == pytest.approx(0.8)
    assert joined(0.64, 1, [0, 1, 0])["g_miou"] == 0


def test_only_frames_under_their_own_audio_enter_the_score() -> None:
    logits, masks, condition = frames(10)
    masks[condition > 0] = False
    found = robust_avsbench(logits, masks, condition, clips_per_batch=None)
    own = avsbench(logits[:10], masks[:10], clips_per_batch=None)
    assert {name: found[name] for name in own} == own


def test_a_rate_is_the_active_share_of_the_image_above_logit_zero() -> None:
    logits, masks, condition = frames(5)
    logits[condition == 1] = 0  # sigmoid .5 is not above .5
    logits[condition == 2] = 1
    found = robust_avsbench(logits, masks, condition)
    assert (found["fpr_silence"], found["fpr_noise"]) == (0, 1)
    expected = (logits[condition == 3] > 0).double().mean()
    assert found["fpr_off_screen"] == pytest.approx(float(expected))


def test_order_of_frames_under_other_audio_does_not_matter() -> None:
    logits, masks, condition = frames(5)
    order = torch.tensor([6, 0, 7, 1, 2, 10, 3, 8, 4, 9, 5])
    found = robust_avsbench(logits[order], masks[order], condition[order])
    assert found == pytest.approx(robust_avsbench(logits, masks, condition))


def test_a_condition_without_frames_is_nan() -> None:
    logits, masks, condition = frames(5)
    kept = condition != 2
    found = robust_avsbench(logits[kept], masks[kept], condition[kept])
    assert math.isnan(found["fpr_noise"])
    assert math.isnan(found["g_miou"])
    assert not math.isnan(found["miou"])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (torch.full((11,), 4), "condition is 4"),
        (torch.full((11,), 1), "own audio"),
        (torch.zeros(11), "condition"),
        (torch.zeros(3, dtype=torch.int64), "condition"),
    ],
)
def test_wrong_conditions_are_refused(condition: torch.Tensor, message: str) -> None:
    logits, masks, _ = frames(5)
    with pytest.raises(InputError, match=message):
        robust_avsbench(logits, masks, condition)
