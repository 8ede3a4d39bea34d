"""Deviating copies of AVSBench's protocol against what their rules say, threshold by threshold."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import avsbench
from seac.metrics.functional.avsbench import avsbench_fixed, frame_iou
from seac.metrics.functional.avsbench_copies import COPIES, MIN_HEAT, avsbench_copy, chosen_copies
from seac.metrics.functional.curves import f_measure, thresholds


def frames(seed: int, clips: int = 3) -> tuple[Tensor, Tensor]:
    """Heatmaps, some of exactly 0, .5 and 1, and masks, some empty."""
    rng = torch.Generator().manual_seed(seed)
    heatmaps = torch.rand(5 * clips, 5, 5, generator=rng)
    heatmaps = torch.where(heatmaps < 0.2, torch.tensor(0.0), heatmaps)
    heatmaps = torch.where(heatmaps > 0.8, torch.tensor(1.0), heatmaps)
    heatmaps[:, 2, 2] = 0.5
    masks = torch.rand(heatmaps.shape, generator=rng) > 0.6
    masks[::4] = False
    return heatmaps, masks


def f_of(active: Tensor, mask: Tensor) -> Tensor:
    hit, area = (active & mask).sum().double(), active.sum().double()
    return f_measure(hit / (area + 1e-20), hit / (mask.sum().double() + 1e-20))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_raw_logits_reach_thresholds_of_probabilities(seed: int) -> None:
    heatmaps, masks = frames(seed)
    logits, best = torch.logit(heatmaps, eps=MIN_HEAT), []
    for first in range(0, len(masks), 5):
        clip = [frame for frame in range(first, first + 5) if masks[frame].any()]
        means = [
            torch.stack([f_of(logits[frame] >= cut, masks[frame]) for frame in clip]).mean()
            for cut in thresholds()
        ]
        best.append(max(means))
    found = avsbench_copy(heatmaps, masks, "tavis")
    assert found["fscore"] == pytest.approx(float(torch.stack(best).mean()))
    assert found["miou"] == pytest.approx(avsbench(logits, masks, clips_per_batch=1)["miou"])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_each_frame_takes_its_mask_or_the_whole_image(seed: int) -> None:
    heatmaps, masks = frames(seed)
    best = [
        max(f_of(heat > 0.5, mask), f_of(torch.ones_like(mask), mask))
        for heat, mask in zip(heatmaps, masks, strict=True)
        if mask.any()
    ]
    found = avsbench_copy(heatmaps, masks, "al-ref-sam2")
    assert found["fscore"] == pytest.approx(float(torch.stack(best).mean()))
    assert found["miou"] == pytest.approx(avsbench_fixed(heatmaps, masks)["miou"])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_tuned_threshold_is_the_best_fixed_one(seed: int) -> None:
    heatmaps, masks = frames(seed)
    fixed = [avsbench_fixed(heatmaps, masks, threshold=step / 20) for step in range(1, 20)]
    found = avsbench_copy(heatmaps, masks, "acl")
    for name in ("miou", "fscore"):
        assert found[name] == pytest.approx(max(each[name] for each in fixed))


def test_a_perfect_prediction_is_perfect_under_every_copy() -> None:
    masks = torch.zeros(5, 4, 4, dtype=torch.bool)
    masks[:, :2] = True
    for name in COPIES:
        found = avsbench_copy(masks.float(), masks, name)
        assert found == pytest.approx({"miou": 1, "fscore": 1}, abs=1e-6)


def test_an_empty_prediction_scores_as_the_whole_image_under_one_copy() -> None:
    masks = torch.zeros(5, 4, 4, dtype=torch.bool)
    masks[:, :2] = True
    empty, whole = torch.zeros(5, 4, 4), torch.ones(5, 4, 4)
    found = avsbench_copy(empty, masks, "al-ref-sam2")["fscore"]
    assert found == pytest.approx(avsbench_copy(whole, masks, "al-ref-sam2")["fscore"])
    assert avsbench_copy(empty, masks, "acl")["fscore"] == 0
    assert frame_iou(empty > 0.5, masks).sum() == 0


def test_copies_are_chosen_by_name() -> None:
    assert set(chosen_copies(["all"])) == set(COPIES)
    assert list(chosen_copies(["acl", "acl"])) == ["acl"]
    with pytest.raises(InputError, match="did you mean 'tavis'"):
        chosen_copies(["tavi"])
    heatmaps, masks = frames(0)
    with pytest.raises(InputError, match="whole clips"):
        avsbench_copy(heatmaps[:7], masks[:7], "acl")
