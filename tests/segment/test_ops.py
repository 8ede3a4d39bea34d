"""Mask operations against slow reference implementations."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seac.segment.ops import mask_nms, nms, pairwise_iou, soft_nms

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


scored_masks = few_masks.flatmap(
    lambda masks: st.tuples(
        st.just(masks), arrays(np.float32, len(masks), elements=st.floats(0, 1, width=32))
    )
)


def run_soft_nms(masks: np.ndarray, scores: np.ndarray, **options: float) -> tuple[list[int], list[float]]:
    options = {"decay": 0.5, "limit": 0.7, "max_count": 50, **options}
    iou = pairwise_iou(torch.from_numpy(masks).flatten(1))
    index, decayed = soft_nms(iou, torch.from_numpy(scores), torch.zeros(len(masks)), **options)  # type: ignore[arg-type]
    return index.tolist(), decayed.tolist()


@given(scored_masks, st.floats(0.05, 2), st.floats(0.05, 0.95))
@settings(max_examples=100, deadline=None)
def test_each_selected_row_has_the_highest_decayed_score(
    case: tuple[np.ndarray, np.ndarray], decay: float, limit: float
) -> None:
    masks, scores = case
    keep, keep_scores = run_soft_nms(masks, scores, decay=decay, limit=limit)
    rest = set(range(len(masks)))
    for step, (index, score) in enumerate(zip(keep, keep_scores, strict=True)):
        max_iou = {k: max((slow_iou(masks[k], masks[j]) for j in keep[:step]), default=0.0) for k in rest}
        allowed = [k for k in rest if max_iou[k] <= limit + 1e-6]
        decayed = {k: scores[k] * np.exp(-(max_iou[k] ** 2) / decay) for k in allowed}
        assert index in decayed
        np.testing.assert_allclose([score, decayed[index]], max(decayed.values()), atol=1e-5)
        rest.remove(index)
    assert keep_scores == sorted(keep_scores, reverse=True)


@given(scored_masks, st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_without_decay_soft_nms_equals_nms(case: tuple[np.ndarray, np.ndarray], limit: float) -> None:
    masks, scores = case
    keep, _ = run_soft_nms(masks, scores, decay=1e9, limit=limit)
    assert keep == mask_nms(torch.from_numpy(masks), torch.from_numpy(scores), limit).tolist()


def test_rows_that_overlap_earlier_masks_are_selected_later_or_never() -> None:
    iou, scores = torch.eye(3), torch.tensor([0.9, 0.8, 0.7])
    prior_iou = torch.tensor([0.6, 0.0, 0.9])
    keep, keep_scores = soft_nms(iou, scores, prior_iou, decay=0.5, limit=0.7, max_count=50)
    assert keep.tolist() == [1, 0]
    np.testing.assert_allclose(keep_scores, [0.8, 0.9 * np.exp(-0.72)], rtol=1e-6)
    assert torch.equal(prior_iou, torch.tensor([0.6, 0.0, 0.9]))  # not modified


def test_soft_nms_selects_at_most_max_count_rows() -> None:
    assert run_soft_nms(np.eye(4, dtype=bool).reshape(4, 2, 2), np.ones(4, np.float32), max_count=2)[0] == [
        0,
        1,
    ]
    for max_count in (0, -3):
        assert run_soft_nms(np.ones((2, 2, 2), bool), np.ones(2, np.float32), max_count=max_count) == ([], [])
    assert run_soft_nms(np.zeros((0, 2, 2), bool), np.zeros(0, np.float32)) == ([], [])
