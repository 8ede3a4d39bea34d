"""The second stage of the proposal network's recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from recipes.proposal_net.loss import compute_boundary_weights
from recipes.proposal_net.samples import Sample, coverage
from recipes.proposal_net.sharpen import PREFIX, train_sharpening
from seac.segment.proposal_net.model import ProposalNet


class Squares:
    """Renders a bright square at a random position on grey."""

    def __call__(self, rng: np.random.Generator) -> Sample:
        image, mask = np.full((64, 64, 3), 90, np.uint8), np.zeros((1, 64, 64), bool)
        y, x = rng.integers(4, 28, 2)
        image[y : y + 30, x : x + 30] = 230
        mask[0, y : y + 30, x : x + 30] = True
        return Sample(image, mask, np.ones((64, 64), np.float32))


def test_the_second_stage_changes_only_the_sharpening_layers(tmp_path: Path) -> None:
    torch.manual_seed(1)
    before = ProposalNet().state_dict()
    save_file(before, str(tmp_path / "first.safetensors"))
    after = train_sharpening(tmp_path / "first.safetensors", Squares(), 3, 0)
    assert after.keys() == before.keys()
    for name, value in after.items():
        if not name.startswith(PREFIX):
            assert torch.equal(value, before[name]), name
    assert after["sharpen.2.weight"].abs().max() > 0


def test_the_second_stage_is_a_function_of_its_seed(tmp_path: Path) -> None:
    torch.manual_seed(1)
    save_file(ProposalNet().state_dict(), str(tmp_path / "first.safetensors"))
    one, two, other = (
        train_sharpening(tmp_path / "first.safetensors", Squares(), 2, seed) for seed in (0, 0, 1)
    )
    assert torch.equal(one["sharpen.2.weight"], two["sharpen.2.weight"])
    assert not torch.equal(one["sharpen.2.weight"], other["sharpen.2.weight"])


def test_masks_at_stride_two_hold_the_same_area() -> None:
    masks = np.zeros((1, 64, 64), bool)
    masks[0, 10:31, 20:45] = True
    assert coverage(masks, 4).sum() * 16 == coverage(masks, 2).sum() * 4 == 21 * 25


def test_pixels_at_the_boundary_weigh_most() -> None:
    mask = torch.zeros(1, 40, 40)
    mask[0, 10:30, 10:30] = 1
    weights = compute_boundary_weights(mask)
    assert weights.min() == 1
    assert weights[0, 20, 10] > weights[0, 20, 12] > weights[0, 20, 20] == weights[0, 0, 0] == 1
