"""Tracking of masks over time."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seac.video.tracker import MEMORY, Tracker

SIDE = 48


def strips(*spans: tuple[int, int]) -> Tensor:
    """Masks (N, SIDE, SIDE) of columns."""
    masks = torch.zeros(len(spans), SIDE, SIDE, dtype=torch.bool)
    for mask, (first, last) in zip(masks, spans, strict=True):
        mask[:, first:last] = True
    return masks


def similar(count: int) -> Tensor:
    return torch.ones(count, 1)


def test_a_certain_match_is_not_given_up_to_pair_fragments() -> None:
    tracker = Tracker()
    first, neighbour = tracker.follow(strips((10, 30), (20, 40)), torch.eye(2)[[0, 0]], 0.0).tolist()
    embeddings = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    same, other = tracker.follow(strips((10, 30), (0, 20)), embeddings, 0.5).tolist()
    assert same == first
    assert other not in (first, neighbour)


@given(st.permutations([(0, 10), (12, 22), (24, 34), (36, 46)]), st.integers(0, 2))
def test_ids_follow_masks_in_any_order(spans: list[tuple[int, int]], shift: int) -> None:
    tracker = Tracker()
    known = dict(zip(spans, tracker.follow(strips(*spans), similar(4), 0.0).tolist(), strict=True))
    turned = spans[::-1]
    ids = tracker.follow(strips(*((a + shift, b + shift) for a, b in turned)), similar(4), 0.25)
    assert ids.tolist() == [known[span] for span in turned]


def test_a_cut_ends_all_tracks() -> None:
    tracker = Tracker()
    before = tracker.follow(strips((10, 30)), similar(1), 0.0)
    after = tracker.follow(strips((10, 30)), similar(1), 0.5, cut=True)
    assert before.tolist() != after.tolist()
    assert tracker.follow(strips((10, 30)), similar(1), 1.0).tolist() == after.tolist()


def test_an_unmatched_track_expires() -> None:
    tracker = Tracker(max_age=1.0)
    first = tracker.follow(strips((0, 10)), similar(1), 0.0)
    assert tracker.follow(strips((0, 10)), similar(1), 0.9).equal(first)
    assert not tracker.follow(strips((0, 10)), similar(1), 2.5).equal(first)


def boxes(*corners: tuple[int, int]) -> Tensor:
    """Masks (N, SIDE, SIDE) of squares of 10 pixels at columns and rows."""
    masks = torch.zeros(len(corners), SIDE, SIDE, dtype=torch.bool)
    for mask, (x, y) in zip(masks, corners, strict=True):
        mask[y : y + 10, x : x + 10] = True
    return masks


FIRST, SECOND = torch.eye(4)[:1], torch.eye(4)[1:2]


@given(st.integers(1, 4), st.integers(5, 9))
def test_a_hidden_object_keeps_its_id_along_its_way(frames: int, step: int) -> None:
    tracker = Tracker()
    ids = {tracker.follow(boxes((x, 19)), FIRST, x / step / 2)[0].item() for x in (0, step)}
    x = (frames + 2) * step
    if x + 10 > SIDE:
        return
    for number in range(2, frames + 2):  # hidden
        tracker.follow(boxes(), torch.zeros(0, 4), number / 2)
    ids.add(tracker.follow(boxes((x, 19)), FIRST, (frames + 2) / 2)[0].item())
    assert len(ids) == 1


def test_another_object_far_away_does_not_get_the_id_of_a_hidden_one() -> None:
    tracker = Tracker()
    old = tracker.follow(boxes((0, 0)), FIRST, 0.0)
    assert not tracker.follow(boxes((36, 36)), SECOND, 0.5).equal(old)


def test_twins_that_cross_stay_two() -> None:
    tracker = Tracker()
    twins = FIRST.expand(2, -1)
    seen = [tracker.follow(boxes((3 * k, 8), (36 - 3 * k, 28)), twins, k / 2).tolist() for k in range(13)]
    assert all(ids == seen[0] for ids in seen)


def test_flow_carries_masks_further_than_their_size() -> None:
    tracker = Tracker()
    both = torch.cat([FIRST, FIRST])
    one, two = tracker.follow(boxes((0, 0), (0, 30)), both, 0.0).tolist()
    flow = torch.zeros(SIDE, SIDE, 2)
    flow[:24, :, 0], flow[24:, :, 0] = -30, -15
    assert tracker.follow(boxes((15, 30), (30, 0)), both, 0.5, flow=flow).tolist() == [two, one]


def test_a_pan_moves_hidden_objects() -> None:
    tracker = Tracker()
    old = [tracker.follow(boxes((30, 19)), FIRST, time) for time in (0.0, 0.5)][1]
    pan = torch.zeros(SIDE, SIDE, 2)
    pan[..., 0] = 12
    tracker.follow(boxes(), torch.zeros(0, 4), 1.0, flow=pan)
    again = torch.nn.functional.normalize(FIRST + 0.9 * SECOND)
    assert tracker.follow(boxes((6, 19)), again, 1.5, flow=pan).equal(old)


def seen_twice(tracker: Tracker) -> int:
    """A track of :data:`FIRST` with a similarity and class scores, at .5 s."""
    for time in (0.0, 0.5):
        ids = tracker.follow(boxes((0, 0)), FIRST, time)
        tracker.smooth(ids, torch.ones(1), time)
        tracker.aggregate_crops(ids, lambda rows: torch.tensor([[1.0, 0.0]]))
        tracker.average_scores(ids, torch.tensor([[1.0, 0.0]]), torch.ones(1))
    return int(ids[0])


def test_what_comes_back_after_a_cut_has_its_id_but_neither_its_scores_nor_its_similarity() -> None:
    tracker = Tracker()
    old = seen_twice(tracker)
    ids = tracker.follow(boxes((30, 30)), FIRST, 1.0, cut=True)
    assert ids.tolist() == [old]
    now = torch.tensor([[0.0, 1.0]])
    assert tracker.smooth(ids, torch.zeros(1), 1.0).tolist() == [0.0]
    assert tracker.aggregate_crops(ids, lambda rows: now).equal(now)
    assert tracker.average_scores(ids, now, torch.ones(1)).equal(now)


def test_the_place_means_nothing_after_a_cut() -> None:
    tracker = Tracker()
    old = seen_twice(tracker)
    assert tracker.follow(boxes((0, 0)), SECOND, 1.0, cut=True).tolist() != [old]


def test_tracks_of_earlier_shots_are_forgotten() -> None:
    tracker = Tracker()
    old = seen_twice(tracker)
    tracker.follow(boxes(), torch.zeros(0, 4), 1.0, cut=True)
    assert tracker.follow(boxes((0, 0)), FIRST, MEMORY + 1).tolist() != [old]


@given(st.integers(0, 5), st.integers(0, 2**16), st.booleans())
def test_ids_are_never_shared_in_a_frame(count: int, seed: int, cut: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    tracker = Tracker()
    for time in (0.0, 0.5, 1.0):
        corners = torch.randint(0, 38, (count, 2), generator=generator).tolist()
        embeddings = torch.rand(count, 4, generator=generator)
        ids = tracker.follow(boxes(*map(tuple, corners)), embeddings, time, cut=cut and time == 1.0)
        assert len(set(ids.tolist())) == count
