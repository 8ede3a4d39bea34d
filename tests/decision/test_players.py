"""The sounding head that joins players."""

from __future__ import annotations

import torch

from seac.decision.players import inside_share


def test_share_of_a_box_inside_another_is_by_its_own_area() -> None:
    """A small box inside a large one is inside wholly, the large one only by the ratio of the areas."""
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [2.0, 2.0, 7.0, 7.0], [20.0, 20.0, 30.0, 30.0]])
    share = inside_share(boxes)
    assert share[1, 0] == 1
    assert share[0, 1] == 0.25
    assert share[0, 2] == share[2, 0] == 0
    assert torch.equal(share.diagonal(), torch.ones(3))
