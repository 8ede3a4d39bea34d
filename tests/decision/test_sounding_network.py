"""The sounding network: order and padding of masks, the null logit, and the geometry of masks."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.decision.sounding_network import (
    PADDED_LOGIT,
    SoundingInputs,
    SoundingOutputs,
    mask_geometry,
    scaled_log,
)
from tests.fixtures.sounding import random_inputs, tiny_network

PER_MASK = ("local", "context", "image_probabilities", "geometry", "similarity", "padding")
NETWORK = tiny_network()


def outputs_of(logits: torch.Tensor, null: torch.Tensor) -> SoundingOutputs:
    return SoundingOutputs(logits, null, torch.zeros(0), torch.zeros(0))


@given(st.permutations(range(5)), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_logits_follow_the_order_of_masks(order: list[int], seed: int) -> None:
    inputs = random_inputs([5, 3], seed)
    moved = replace(inputs, **{name: getattr(inputs, name)[:, order] for name in PER_MASK})
    first, second = NETWORK(inputs), NETWORK(moved)
    torch.testing.assert_close(second.logits, first.logits[:, order], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(second.null, first.null, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(second.masks, first.masks[:, order], atol=1e-5, rtol=1e-5)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_padding_does_not_matter(masks: int, padded: int, seed: int) -> None:
    inputs = random_inputs([masks + padded, masks], seed)
    alone = SoundingInputs(
        **{
            item.name: getattr(inputs, item.name)[1:, :masks]
            if item.name in PER_MASK
            else getattr(inputs, item.name)[1:]
            for item in fields(inputs)
        }
    )
    together, single = NETWORK(inputs), NETWORK(alone)
    torch.testing.assert_close(together.logits[1:, :masks], single.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(together.null[1:], single.null, atol=1e-4, rtol=1e-4)
    assert bool((together.logits[1, masks:] == PADDED_LOGIT).all())


def test_embeddings_of_both_towers_have_unit_length() -> None:
    outputs = NETWORK(random_inputs([4, 2], 1))
    torch.testing.assert_close(outputs.masks.norm(dim=-1), torch.ones(2, 4))
    torch.testing.assert_close(outputs.audio.norm(dim=-1), torch.ones(2))


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=5), st.floats(-6, 6))
def test_log_odds_are_the_logit_of_the_product(logits: list[float], null: float) -> None:
    exact = torch.tensor([logits], dtype=torch.float64)
    product = exact.sigmoid() * torch.tensor(-null, dtype=torch.float64).sigmoid()
    found = outputs_of(exact.float(), torch.tensor([null])).log_odds()
    torch.testing.assert_close(found.double(), torch.logit(product), atol=1e-3, rtol=1e-3)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5))
def test_no_mask_sounds_where_nothing_does(logits: list[float]) -> None:
    found = outputs_of(torch.tensor([logits]), torch.tensor([12.0])).log_odds()
    assert bool((found < -11).all())
    assert bool(found.isfinite().all())


def test_the_logit_of_a_mask_is_unchanged_where_something_sounds() -> None:
    logits = torch.tensor([[-3.0, 0.0, 3.0]])
    torch.testing.assert_close(outputs_of(logits, torch.tensor([-25.0])).log_odds(), logits)


def test_geometry_of_the_whole_frame_and_of_a_quarter() -> None:
    boxes = torch.tensor([[0.0, 0.0, 80.0, 60.0], [20.0, 15.0, 40.0, 30.0]])
    area, scores = torch.tensor([1.0, 1 / 16]), torch.tensor([1.0, 0.5])
    whole, quarter = mask_geometry(boxes, area, scores, 60, 80)
    torch.testing.assert_close(
        whole, torch.tensor([1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, -0.5]), atol=1e-4, rtol=0
    )
    size = float(torch.log(torch.tensor(1 / 16 + 1e-4))) / 3 + 1
    torch.testing.assert_close(
        quarter, torch.tensor([0.0, size, -0.25, -0.25, -0.5, -0.5, -1.0, -0.45]), atol=1e-5, rtol=0
    )


def test_a_frame_without_masks_has_no_geometry() -> None:
    assert mask_geometry(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0), 60, 80).shape == (0, 8)


@pytest.mark.parametrize(("probability", "value"), [(0.0, -1.3026), (1.0, 1.0003)])
def test_scaled_logarithms_are_of_the_order_of_1(probability: float, value: float) -> None:
    assert float(scaled_log(torch.tensor(probability))) == pytest.approx(value, abs=1e-3)
