"""The sounding head that joins players."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.decision.players import inside_share, join_players


def test_share_of_a_box_inside_another_is_by_its_own_area() -> None:
    """A small box inside a large one is inside wholly, the large one only by the ratio of the areas."""
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [2.0, 2.0, 7.0, 7.0], [20.0, 20.0, 30.0, 30.0]])
    share = inside_share(boxes)
    assert share[1, 0] == 1
    assert share[0, 1] == 0.25
    assert share[0, 2] == share[2, 0] == 0
    assert torch.equal(share.diagonal(), torch.ones(3))


GUITAR, MAN, ELSEWHERE = (
    torch.tensor([[4.0, 4.0, 8.0, 6.0]]),
    torch.tensor([[2.0, 0.0, 7.0, 10.0]]),
    torch.tensor([[20.0, 0.0, 25.0, 10.0]]),
)
BOXES = torch.cat([GUITAR, MAN, ELSEWHERE])
INSTRUMENT, PLAYER = torch.tensor([True, False, False]), torch.tensor([False, True, True])


def test_a_person_who_touches_a_sounding_instrument_gets_its_logit() -> None:
    joined = join_players(torch.tensor([2.0, -3.0, -1.0]), PLAYER, INSTRUMENT, BOXES)
    assert joined.tolist() == [2.0, 2.0, -1.0]


def test_a_silent_instrument_has_no_player() -> None:
    logits = torch.tensor([-0.5, -3.0, -1.0])
    assert torch.equal(join_players(logits, PLAYER, INSTRUMENT, BOXES), logits)


@given(st.lists(st.floats(-6, 6, width=32), min_size=3, max_size=3))
def test_no_logit_falls_and_only_players_change(values: list[float]) -> None:
    logits = torch.tensor(values)
    joined = join_players(logits, PLAYER, INSTRUMENT, BOXES)
    assert (joined >= logits).all()
    assert torch.equal(joined[~PLAYER], logits[~PLAYER])
    assert float(joined.max()) == float(logits.max())
