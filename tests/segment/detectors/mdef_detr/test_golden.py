"""Comparison with the reference outputs, array by array."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.segment.detectors.mdef_detr import golden
from tests.segment.detectors.mdef_detr.weights import build_reference, with_two_text_layers

INPUTS = ("image_", "tokens_", "prep_image", "msda_value", "msda_shapes", "msda_loc", "msda_weights")


@pytest.fixture(scope="module")
def differences(shared: Path) -> dict[str, golden.Difference]:
    torch.set_num_threads(1)
    full = build_reference()
    arrays = golden.load(shared)
    return {row.name: row for row in golden.differences(full, with_two_text_layers(full), arrays)}


@pytest.mark.shared
@pytest.mark.slow
def test_every_reference_array_is_matched_to_1e_5(
    differences: dict[str, golden.Difference],
) -> None:
    limits = {"relative": 1e-5, "absolute": 1e-5, "unequal entries": 0}
    far = [row for row in differences.values() if not row.largest <= limits[row.kind]]
    assert not far


@pytest.mark.shared
@pytest.mark.slow
def test_every_reference_array_is_compared(shared: Path, differences: dict[str, golden.Difference]) -> None:
    names = {name for name in golden.load(shared) if not name.startswith(INPUTS)}
    assert names == set(differences)
