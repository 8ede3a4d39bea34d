"""VGG-SS: thresholds, empty truth, the success curve."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import vggss
from seac.metrics.functional.vggss import success_curve


def scene(clips: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    truth = torch.rand(clips, 5, 7, generator=rng) > 0.6
    return (torch.rand(truth.shape, generator=rng) / 2 + truth / 2) ** 0.8, truth


def per_clip(heatmaps: Tensor, truth: Tensor, **settings_: object) -> Tensor:
    return torch.as_tensor(vggss(heatmaps, truth, **settings_)["per_clip"])


@given(st.integers(0, 2**31), st.sampled_from([0.3, 0.5, "median"]), st.booleans())
@settings(max_examples=30)
def test_ciou_is_the_formula_clip_by_clip(seed: int, threshold: float | str, strict: bool) -> None:
    heatmaps, truth = scene(4, seed)
    found = per_clip(heatmaps, truth, threshold=threshold, strict=strict)
    for value, heatmap, gt in zip(found, heatmaps.numpy(), truth.numpy().astype(float), strict=True):
        cut = np.sort(heatmap.ravel())[heatmap.size // 2] if threshold == "median" else np.float32(threshold)
        infer = (heatmap > cut if strict else heatmap >= cut).astype(float)
        assert float(value) == pytest.approx((infer * gt).sum() / (gt.sum() + (infer * (gt == 0)).sum()))


def test_a_pixel_at_the_threshold_is_active_unless_strict() -> None:
    heatmaps, truth = torch.full((1, 2, 2), 0.5), torch.ones(1, 2, 2, dtype=torch.bool)
    assert per_clip(heatmaps, truth).tolist() == [1]
    assert per_clip(heatmaps, truth, strict=True).tolist() == [0]


def test_a_constant_heatmap_is_all_active_at_its_median_and_none_strictly_above() -> None:
    heatmaps, truth = torch.zeros(1, 2, 2), torch.ones(1, 2, 2, dtype=torch.bool)
    assert per_clip(heatmaps, truth, threshold="median").tolist() == [1]
    assert per_clip(heatmaps, truth, threshold="median", strict=True).tolist() == [0]


def test_heatmaps_are_not_normalised() -> None:
    truth = torch.tensor([[[True, False]]])
    assert per_clip(torch.tensor([[[0.4, 0.0]]]), truth).tolist() == [0]


def test_clips_without_truth_are_0_and_left_out_of_the_figures() -> None:
    heatmaps, truth = scene(6)
    truth[2] = False
    kept = [0, 1, 3, 4, 5]
    whole, part = vggss(heatmaps, truth), vggss(heatmaps[kept], truth[kept])
    assert (whole["ciou"], whole["auc"]) == (part["ciou"], part["auc"])
    assert torch.as_tensor(whole["per_clip"])[2] == 0


def test_without_any_truth_the_figures_are_nan() -> None:
    found = vggss(torch.ones(2, 3, 3), torch.zeros(2, 3, 3, dtype=torch.bool))
    assert math.isnan(float(found["ciou"]))
    assert math.isnan(float(found["auc"]))


def test_a_consensus_counts_by_its_weight() -> None:
    truth = torch.tensor([[[1.0, 0.5, 0.0, 0.0]]])
    heatmaps = torch.tensor([[[0.0, 1.0, 1.0, 0.0]]])
    assert per_clip(heatmaps, truth).tolist() == [0.5 / (1.5 + 1)]


def test_a_bool_truth_and_its_float_agree() -> None:
    heatmaps, truth = scene(5)
    assert torch.equal(per_clip(heatmaps, truth), per_clip(heatmaps, truth.float()))


def test_a_perfect_prediction_gives_1() -> None:
    _, truth = scene(5)
    found = vggss(truth.float(), truth)
    assert found["ciou"] == 1
    assert found["auc"] == pytest.approx(1)


def test_half_precision_does_not_round_the_threshold() -> None:
    heatmap = torch.tensor([[[0.4]]]).half()  # just under .4
    truth = torch.ones(1, 1, 1, dtype=torch.bool)
    assert per_clip(heatmap, truth, threshold=0.4) == per_clip(heatmap.double(), truth, threshold=0.4)


def test_auc_is_the_area_under_the_success_curve() -> None:
    heatmaps, truth = scene(9)
    found = vggss(heatmaps, truth)
    curve = success_curve(torch.as_tensor(found["per_clip"]))
    assert found["auc"] == pytest.approx(trapezoid(curve["share"], curve["threshold"]))
    assert curve["share"][0] == 1
    assert float(curve["share"][10]) == found["ciou"]


ones, yes = torch.ones(2, 3, 3), torch.ones(2, 3, 3, dtype=torch.bool)


@pytest.mark.parametrize(
    ("heatmaps", "truth", "settings_", "message"),
    [
        (ones * 2, yes, {}, r"heatmaps spans \[2, 2\]: pass values in \[0, 1\]"),
        (ones * math.inf, yes, {}, "heatmaps spans"),
        (ones * math.nan, yes, {}, "NaN"),
        (ones, ones * -1, {}, "truth spans"),
        (ones, yes.byte(), {}, "truth is torch.uint8"),
        (ones[:1], yes, {}, "differ"),
        (ones[0], yes[0], {}, r"pass \(N, H, W\)"),
        (ones, yes, {"threshold": "mean"}, "threshold is 'mean'"),
        (ones, yes, {"threshold": 2}, "threshold is 2"),
        (ones, yes, {"threshold": math.nan}, "threshold is nan"),
    ],
)
def test_unusable_input_is_one_clear_line(
    heatmaps: Tensor, truth: Tensor, settings_: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        vggss(heatmaps, truth, **settings_)
    assert "\n" not in str(caught.value)
