"""Post-processing: truncation towards zero, and NMS with widths increased by one pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.segment.detectors.mdef_detr.boxes import corners, merge, objectness, overlap, truncate

corner_and_size = st.tuples(st.integers(-3, 12), st.integers(-3, 12), st.integers(0, 9), st.integers(0, 9))


def test_coordinates_are_truncated_towards_zero() -> None:
    assert truncate(torch.tensor([-1.9, -0.9, 0.9, 2.999])).tolist() == [-1, 0, 0, 2]


def test_relative_boxes_are_scaled_to_the_image() -> None:
    boxes = torch.tensor([[0.5, 0.5, 1.0, 1.0], [0.25, 0.5, 0.5, 0.2]])
    assert corners(boxes, 100, 40).tolist() == [[0, 0, 40, 100], [0, 40, 20, pytest.approx(60, abs=1e-4)]]


def test_the_score_is_one_minus_the_probability_of_no_object() -> None:
    logits = torch.tensor([[0.3, -1.0, 2.0]])
    torch.testing.assert_close(objectness(logits), 1 - logits.exp()[:, 2] / logits.exp().sum(1))


@given(
    st.lists(corner_and_size, min_size=1, max_size=12),
    st.integers(0, 2**31),
    st.sampled_from((0.3, 0.5, 0.7)),
)
@settings(max_examples=100, deadline=None)
def test_survivors_are_those_of_the_greedy_loop(
    rows: list[tuple[int, int, int, int]], seed: int, limit: float
) -> None:
    boxes = torch.tensor([(x, y, x + w, y + h) for x, y, w, h in rows], dtype=torch.int32)
    scores = torch.rand(len(rows), generator=torch.Generator().manual_seed(seed))

    def slow_iou(a: list[int], b: list[int]) -> float:
        width = min(a[2], b[2]) - max(a[0], b[0]) + 1
        height = min(a[3], b[3]) - max(a[1], b[1]) + 1
        intersection = max(width, 0) * max(height, 0)
        areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
        return intersection / (sum(areas) - intersection)

    keep: list[int] = []
    for index in np.argsort(-scores.numpy(), kind="stable").tolist():
        if all(slow_iou(boxes[index].tolist(), boxes[k].tolist()) <= limit for k in keep):
            keep.append(index)
    merged = merge(boxes, scores, limit)
    assert merged.boxes.tolist() == boxes[keep].tolist()
    assert merged.scores.tolist() == scores[keep].tolist()


def test_widths_are_increased_by_one_pixel() -> None:
    # 8 of 10 + 1 columns are shared: 8 / 14; without the increment it would be 7 / 13.
    pair = torch.tensor([[0, 0, 10, 10], [3, 0, 13, 10]], dtype=torch.int32)
    assert overlap(pair)[0, 1] == pytest.approx(8 / 14)


def test_boxes_whose_iou_equals_the_limit_survive() -> None:
    pair = torch.tensor([[0, 0, 2, 0], [1, 0, 3, 0]], dtype=torch.int32)
    assert overlap(pair)[0, 1] == 0.5
    assert len(merge(pair, torch.tensor([0.9, 0.8])).boxes) == 2


def test_no_boxes_give_no_boxes() -> None:
    assert len(merge(torch.zeros(0, 4, dtype=torch.int32), torch.zeros(0)).boxes) == 0
