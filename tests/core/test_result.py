"""Slicing, iterating and filtering the result of a frame."""

from __future__ import annotations

import numpy as np
import pytest

from seac.core.result import PER_MASK, FrameResult
from tests.fixtures.parts import squares, synthetic_model, tone


@pytest.fixture(scope="module")
def result() -> FrameResult:
    return synthetic_model()(squares(), tone("red", 1), 16_000)


def test_a_bool_array_keeps_the_masks_that_it_marks(result: FrameResult) -> None:
    kept = result[result.sounding]
    assert len(kept) == int(result.sounding.sum()) == 1
    assert kept.names == ("red",)
    np.testing.assert_array_equal(kept.heatmap, result.heatmap)


@pytest.mark.parametrize("rows", [[2, 0], np.array([2, 0]), slice(2, None, -2)])
def test_every_field_with_a_row_per_mask_follows_the_rows(result: FrameResult, rows: object) -> None:
    kept = result[rows]  # type: ignore[index]
    for name in PER_MASK:
        np.testing.assert_array_equal(getattr(kept, name), getattr(result, name)[[2, 0]])


def test_no_rows_give_no_masks(result: FrameResult) -> None:
    assert len(result[[]]) == len(result[np.zeros(len(result), bool)]) == 0


def test_one_index_is_refused_and_told_where_one_mask_is(result: FrameResult) -> None:
    with pytest.raises(TypeError, match=r"result\[1\] is one mask"):
        result[1]  # type: ignore[index]


def test_rows_that_do_not_fit_are_refused(result: FrameResult) -> None:
    with pytest.raises(IndexError):
        result[np.ones(len(result) + 1, bool)]


def test_iterating_gives_every_mask_in_order(result: FrameResult) -> None:
    masks = list(result)
    assert [mask.name for mask in masks] == list(result.names)
    assert [mask.id for mask in masks] == result.ids.tolist()
    np.testing.assert_array_equal(np.stack([mask.mask for mask in masks]), result.masks)


def test_top_is_the_likeliest_first(result: FrameResult) -> None:
    top = result.top(2)
    assert top.probability.tolist() == sorted(result.probability.tolist(), reverse=True)[:2]
    assert result.top(0).ids.tolist() == []
    assert len(result.top(99)) == len(result)


def test_empty_has_no_mask_and_no_heat(result: FrameResult) -> None:
    empty = result.empty()
    assert len(empty) == 0
    assert empty.heatmap.max() == 0
    assert empty.semantic.max() == 0
    assert empty.confidence == -1
    assert list(empty) == []


def test_of_nested_sounding_masks_the_likeliest_is_displayed(result: FrameResult) -> None:
    from dataclasses import replace

    whole, red = 0, 1
    both = replace(result, sounding=np.arange(len(result)) < 2)
    likelier = whole if result.probability[whole] > result.probability[red] else red
    assert both.display_rows()[0] == likelier
    assert both.display_masks().ids.tolist() == [int(result.ids[row]) for row in both.display_rows()]
    assert result.empty().display_rows() == []
