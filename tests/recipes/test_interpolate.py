"""Interpolation of the weights before and after a training phase."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from recipes.proposal_net.__main__ import export
from recipes.proposal_net.interpolate import interpolate_weights
from recipes.proposal_net.refinement import PREFIX
from seac.segment.proposal_net.model import ProposalNet
from seac.segment.proposal_net.network import stored_weights

BEFORE = {"head.weight": torch.zeros(3), "refine.weight": torch.zeros(2), "norm.seen": torch.tensor(5)}
AFTER = {"head.weight": torch.ones(3), "refine.weight": torch.ones(2), "norm.seen": torch.tensor(9)}


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weights_are_interpolated_and_the_refinement_head_is_copied(share: float) -> None:
    found = interpolate_weights(BEFORE, AFTER, share)
    torch.testing.assert_close(found["head.weight"], torch.full((3,), share))
    assert found["refine.weight"].tolist() == [1, 1]
    assert found["norm.seen"] == 9


def test_interpolated_weights_are_stored_as_a_phase_stores_them(tmp_path: Path) -> None:
    half: dict[str, Tensor] = interpolate_weights(BEFORE, AFTER, 0.5)
    export(half, tmp_path / "weights.safetensors")
    assert stored_weights(tmp_path / "weights.safetensors")["head.weight"].tolist() == [0.5] * 3
    assert not list(tmp_path.glob("*.partial"))


def test_the_refinement_head_has_the_prefix_under_which_it_is_copied() -> None:
    network = ProposalNet()
    own = {PREFIX + name for name in network.refine.state_dict()}
    assert own < set(network.state_dict())
