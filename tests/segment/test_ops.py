"""Mask operations against slow reference implementations."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seac.segment.ops import mask_nms, nms, pairwise_iou

few_masks = st.integers(1, 8).flatmap(lambda n: arrays(np.bool_, (n, 4, 5)))


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 0.0


@given(few_masks)
@settings(max_examples=60, deadline=None)
def test_pairwise_iou_is_intersection_over_union_of_every_pair(masks: np.ndarray) -> None:
    fast = pairwise_iou(torch.from_numpy(masks).flatten(1))
    slow = [[slow_iou(a, b) for b in masks] for a in masks]
    torch.testing.assert_close(fast, torch.tensor(slow), atol=1e-5, rtol=0)


@given(few_masks, st.floats(0.05, 0.95), st.integers(0, 2**31))
@settings(max_examples=100, deadline=None)
def test_survivors_are_those_of_the_greedy_loop(masks: np.ndarray, limit: float, seed: int) -> None:
    scores = torch.rand(len(masks), generator=torch.Generator().manual_seed(seed))
    keep: list[int] = []
    for index in np.argsort(-scores.numpy(), kind="stable"):
        if all(slow_iou(masks[index], masks[k]) <= limit + 1e-7 for k in keep):
            keep.append(int(index))
    assert mask_nms(torch.from_numpy(masks), scores, limit).tolist() == keep


def test_column_weights_equal_numbers_of_pixels() -> None:
    rows = torch.tensor([[1, 1, 0], [0, 1, 1]], dtype=torch.bool)
    weights = torch.tensor([3.0, 2.0, 1.0])
    pixels = rows.repeat_interleave(weights.long(), dim=1)
    torch.testing.assert_close(pairwise_iou(rows, weights), pairwise_iou(pixels))


def test_nms_stops_after_max_count_survivors() -> None:
    assert nms(torch.eye(5), 0.5, max_count=3).tolist() == [0, 1, 2]


def test_of_equal_masks_one_survives() -> None:
    masks = torch.ones(4, 3, 3, dtype=torch.bool)
    assert mask_nms(masks, torch.tensor([0.1, 0.9, 0.9, 0.2])).tolist() == [1]


def test_no_masks_give_no_masks() -> None:
    assert mask_nms(torch.zeros(0, 2, 2, dtype=torch.bool), torch.zeros(0)).tolist() == []
