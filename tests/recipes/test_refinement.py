"""The last stage of the proposal network's recipe."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from recipes.proposal_net import refinement
from recipes.proposal_net.refinement import make_refinement_batch, train_refinement
from seac.segment.proposal_net.model import ProposalNet
from seac.segment.proposal_net.refinement_head import VIEW
from tests.recipes.test_sharpen import Squares


@pytest.fixture
def network() -> ProposalNet:
    """An untrained network; with this seed some masks overlap a square."""
    torch.manual_seed(2)
    return ProposalNet().eval().requires_grad_(False)


@pytest.fixture(autouse=True)
def every_mask_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept all masks, because masks of an untrained network have a low IoU."""
    monkeypatch.setattr(refinement, "MIN_IOU", 0.0)
    monkeypatch.setattr(refinement, "FRAMES", (64,))
    monkeypatch.setattr(refinement, "SCENES", 2)


def test_a_refinement_batch_is_a_function_of_seed_and_step(network: ProposalNet) -> None:
    one, again, other = (make_refinement_batch(network, Squares(), 5, step) for step in (1, 1, 2))
    assert one is not None
    assert again is not None
    assert other is not None
    n = len(one.target)
    assert one.colours.shape == (n, 3, VIEW, VIEW)
    assert one.coarse.shape == (n, 1, VIEW // 2, VIEW // 2)
    assert one.target.shape == (n, VIEW, VIEW)
    assert 0 <= one.target.min() <= one.target.max() <= 1
    assert torch.equal(one.colours, again.colours)
    assert torch.equal(one.target, again.target)
    assert not torch.equal(one.colours[:1], other.colours[:1])


def test_the_target_lies_where_the_square_does(network: ProposalNet) -> None:
    found = make_refinement_batch(network, Squares(), 5, 1)
    assert found is not None
    bright = found.colours.mean(1) > 0.3  # the square is 230, its background 90
    unambiguous = (found.target < 0.05) | (found.target > 0.95)
    assert ((found.target > 0.5) == bright)[unambiguous].float().mean() > 0.95


def test_only_the_refinement_head_is_trained_and_it_resumes(
    network: ProposalNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refinement, "EVERY", 2)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    uninterrupted = train_refinement(network, Squares(), 4, 0, tmp_path / "whole")
    for name, value in network.state_dict().items():
        if not name.startswith("outline."):
            assert torch.equal(value, before[name]), name
    assert uninterrupted["exit.weight"].abs().max() > 0

    real = refinement.make_refinement_batch

    def interrupt_at_step_3(*given: object) -> object:
        if given[-1] == 3:
            raise KeyboardInterrupt
        return real(*given)  # type: ignore[arg-type]

    network.load_state_dict(before)
    monkeypatch.setattr(refinement, "make_refinement_batch", interrupt_at_step_3)
    with pytest.raises(KeyboardInterrupt):
        train_refinement(network, Squares(), 4, 0, tmp_path / "parts")
    monkeypatch.setattr(refinement, "make_refinement_batch", real)
    network.load_state_dict(before)
    parts = train_refinement(network, Squares(), 4, 0, tmp_path / "parts")
    torch.testing.assert_close(parts["exit.weight"], uninterrupted["exit.weight"])
