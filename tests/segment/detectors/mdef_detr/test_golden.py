"""Against the reference outputs, array by array."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.segment.detectors.mdef_detr import golden
from tests.segment.detectors.mdef_detr.weights import ruled, with_two_text_layers

INPUTS = ("image_", "tokens_", "prep_image", "msda_value", "msda_shapes", "msda_loc", "msda_weights")


@pytest.fixture(scope="module")
def differences(shared: Path) -> dict[str, golden.Difference]:
    torch.set_num_threads(1)
    full = ruled()
    arrays = golden.load(shared)
    return {row.name: row for row in golden.differences(full, with_two_text_layers(full), arrays)}


@pytest.mark.shared
@pytest.mark.slow
def test_every_reference_array_is_met_to_a_hundred_thousandth(
    differences: dict[str, golden.Difference],
) -> None:
    limits = {"relative": 1e-5, "absolute": 1e-5, "unequal entries": 0}
    far = [row for row in differences.values() if not row.largest <= limits[row.kind]]
    assert not far


@pytest.mark.shared
@pytest.mark.slow
def test_no_reference_array_is_forgotten(shared: Path, differences: dict[str, golden.Difference]) -> None:
    held = {name for name in golden.load(shared) if not name.startswith(INPUTS)}
    assert held == set(differences)
