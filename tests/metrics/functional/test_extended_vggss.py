"""Extended VGG-SS: strides, ties, zero divisions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import extended_vggss
from seac.metrics.functional.extended_vggss import extended_curve, precision_at


def pairs(number: int, seed: int, levels: int) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    ciou = torch.rand(number, generator=rng)
    boxes = torch.randint(0, 3, (number,), generator=rng)
    return ciou, boxes, torch.randint(0, levels, (number,), generator=rng) / levels


def slow(ciou: Tensor, boxes: Tensor, confidence: Tensor) -> dict[str, float]:
    """The protocol of PROTOCOLS.md, pair by pair."""
    number = len(ciou)

    def rates(cut: float) -> tuple[float, float]:
        tp = fp = fn = 0
        for c, b, k in zip(ciou.tolist(), boxes.tolist(), confidence.tolist(), strict=True):
            if b == 0:
                fp += k >= cut
            elif k < cut:
                fn += 1
            elif c >= 0.5:
                tp += 1
            else:
                fp += 1
        return (tp / (tp + fp) if tp + fp else 0.0), (tp / (tp + fn) if tp + fn else 0.0)

    curve = [rates(cut) for cut in sorted(confidence.tolist())[:-1][:: -max(1, number // 200)]]
    ap = sum((curve[i + 1][1] - curve[i][1]) * max(p for p, _ in curve[i:]) for i in range(len(curve) - 1))
    cuts = sorted(confidence.tolist())[:: max(1, number // 10)]
    f1 = [2 * p * r / (p + r) if p + r else 0.0 for p, r in map(rates, cuts)]
    return {"ap": ap, "max_f1": max(f1)}


@given(st.integers(0, 2**31), st.integers(1, 45), st.sampled_from([3, 10, 10**6]))
@settings(max_examples=40)
def test_it_equals_the_slow_reference_including_ties(seed: int, number: int, levels: int) -> None:
    given_ = pairs(number, seed, levels)
    found = extended_vggss(*given_)
    assert {name: found[name] for name in ("ap", "max_f1")} == pytest.approx(slow(*given_))


@pytest.mark.parametrize("number", [399, 400, 607])
def test_the_stride_of_ap_starts_at_the_second_highest_and_that_of_f1_at_the_lowest(number: int) -> None:
    given_ = pairs(number, 1, 10**6)
    found = extended_vggss(*given_)
    assert {name: found[name] for name in ("ap", "max_f1")} == pytest.approx(slow(*given_))
    cuts = extended_curve(*given_)["threshold"]
    assert float(cuts[0]) == float(given_[2].sort().values[-2])
    assert (cuts.diff() <= 0).all()
    assert len(cuts) == len(range(0, number - 1, max(1, number // 200)))


def test_order_of_pairs_does_not_matter() -> None:
    given_ = pairs(50, 2, 10)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    assert extended_vggss(*(x[order] for x in given_)) == pytest.approx(extended_vggss(*given_))


def test_ciou_of_pairs_without_a_box_is_of_no_matter() -> None:
    ciou, boxes, confidence = pairs(50, 3, 10**6)
    other = torch.where(boxes == 0, 1.0, ciou)
    assert extended_vggss(other, boxes, confidence) == extended_vggss(ciou, boxes, confidence)


def test_nothing_found_is_0_and_no_boxes_at_all_leave_loc_acc_undefined() -> None:
    low, boxes, confidence = torch.zeros(5), torch.ones(5, dtype=torch.long), torch.arange(5) / 5
    assert extended_vggss(low, boxes, confidence) == {"ap": 0.0, "max_f1": 0.0, "loc_acc": 0.0}
    none = extended_vggss(low, boxes * 0, confidence)
    assert (none["ap"], none["max_f1"]) == (0.0, 0.0)
    assert math.isnan(none["loc_acc"])


def test_a_single_pair_leaves_a_threshold_to_f1_and_none_to_ap() -> None:
    one = extended_vggss(torch.ones(1), torch.ones(1, dtype=torch.long), torch.ones(1))
    assert one == {"ap": 0.0, "max_f1": 1.0, "loc_acc": 1.0}


def test_f1_includes_the_highest_confidence() -> None:
    ciou, boxes = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0, 0, 1])
    assert extended_vggss(ciou, boxes, torch.tensor([0.1, 0.2, 0.9]))["max_f1"] == 1.0


def test_loc_acc_is_over_pairs_with_boxes_and_precision_over_all_kept() -> None:
    ciou = torch.tensor([0.5, 0.4999, 0.9, 0.9])
    boxes, confidence = torch.tensor([1, 2, 0, 3]), torch.tensor([0.1, 0.2, 0.3, 0.4])
    assert extended_vggss(ciou, boxes, confidence)["loc_acc"] == pytest.approx(2 / 3)
    assert precision_at(ciou, boxes, confidence) == 0.5
    assert precision_at(ciou, boxes, confidence, 0.35) == 1.0
    assert math.isnan(precision_at(ciou, boxes, confidence, 9.0))


good = pairs(4, 0, 9)


@pytest.mark.parametrize(
    ("position", "wrong", "message"),
    [
        (0, torch.full((4,), 1.5), r"ciou spans \[1.5, 1.5\]"),
        (0, torch.full((4,), math.nan), "ciou holds NaN"),
        (0, torch.zeros(3), "differ"),
        (0, torch.zeros(4, 1), r"pass \(N,\)"),
        (0, np.zeros(4), "ciou is a ndarray"),
        (1, torch.zeros(4), "num_boxes is torch.float32: pass integers"),
        (1, torch.full((4,), -1), "num_boxes spans -1 to -1: pass at least 0"),
        (2, torch.full((4,), math.inf), "confidence holds an infinite value"),
        (2, torch.zeros(4, dtype=torch.long), "confidence is torch.int64"),
    ],
)
def test_unusable_input_is_one_clear_line(position: int, wrong: Tensor, message: str) -> None:
    given_ = list(good)
    given_[position] = wrong
    with pytest.raises(InputError, match=message) as caught:
        extended_vggss(*given_)
    assert "\n" not in str(caught.value)


def test_no_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="ciou is empty"):
        extended_vggss(torch.zeros(0), torch.zeros(0, dtype=torch.long), torch.zeros(0))
