"""Tracking metrics: hand-computed cases, properties, and references by exhaustive search."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.metrics.functional import tracking
from seac.metrics.functional.tracking import TrackedMasks, summarise, tracking_sums

SIDE = 12
Frame = dict[int, tuple[int, int]]
"""Track to columns (first, last) of its mask."""


def frame(strips: Frame) -> TrackedMasks:
    masks = torch.zeros(len(strips), SIDE, SIDE, dtype=torch.bool)
    for mask, (first, last) in zip(masks, strips.values(), strict=True):
        mask[:, first:last] = True
    return TrackedMasks(torch.tensor(list(strips), dtype=torch.int64), masks)


def video(*frames: Frame) -> list[TrackedMasks]:
    return [frame(strips) for strips in frames]


TWO: Frame = {0: (0, 4), 1: (6, 10)}
strips = st.dictionaries(
    st.integers(0, 2), st.integers(0, 8).flatmap(lambda a: st.tuples(st.just(a), st.integers(a + 1, 12)))
)
videos = st.lists(strips, min_size=1, max_size=5)


@given(videos)
@settings(max_examples=40, deadline=None)
def test_perfect_tracks_have_perfect_metrics(frames: list[Frame]) -> None:
    truth = video(*frames)
    found = tracking(truth, truth, fps=2)
    if not any(frames):
        assert math.isnan(found["hota"])
        return
    for name in ("hota", "deta", "assa", "idf1", "active_iou"):
        assert found[name] == pytest.approx(1)
    assert found["switches"] == 0
    assert found["second_f1"] == 1 or math.isnan(found["second_f1"])
    assert found["jitter"] == 0 or math.isnan(found["jitter"])


@given(videos, videos, st.permutations(range(3)))
@settings(max_examples=40, deadline=None)
def test_numbers_of_tracks_do_not_matter(one: list[Frame], two: list[Frame], names: list[int]) -> None:
    length = min(len(one), len(two))
    truth, tracks = video(*one[:length]), video(*two[:length])
    renamed = [
        TrackedMasks(torch.tensor([9 + names[i] for i in t.ids.tolist()]).long(), t.masks) for t in tracks
    ]
    first, second = tracking(tracks, truth, fps=1), tracking(renamed, truth, fps=1)
    assert first["idf1"] == pytest.approx(second["idf1"], nan_ok=True)
    assert first["deta"] == pytest.approx(second["deta"], nan_ok=True)


def test_a_track_broken_in_the_middle_halves_the_association() -> None:
    truth = video(*[{0: (0, 4)}] * 4)
    broken = video(*[{0: (0, 4)}] * 2, *[{1: (0, 4)}] * 2)
    found = tracking(broken, truth, fps=1)
    assert found["assa"] == pytest.approx(0.5)  # 2 common frames of 4 + 2 - 2
    assert found["deta"] == 1
    assert found["hota"] == pytest.approx(0.5**0.5)
    assert found["idf1"] == pytest.approx(0.5)  # 2 of 4 truths and of 4 masks
    assert found["switches"] == 1


def test_ids_swapped_in_the_middle_leave_a_third() -> None:
    swapped = {1: TWO[0], 0: TWO[1]}
    found = tracking(video(TWO, TWO, swapped, swapped), video(*[TWO] * 4), fps=1)
    assert found["assa"] == pytest.approx(1 / 3)  # 2 common frames of 4 + 4 - 2
    assert found["switches"] == 2
    assert found["idf1"] == pytest.approx(0.5)


def test_an_overlap_of_one_half_counts_at_half_of_the_thresholds() -> None:
    found = tracking(video({0: (0, 2)}), video({5: (0, 4)}), fps=1)
    assert found["deta"] == pytest.approx(10 / 19)
    assert found["active_iou"] == pytest.approx(0.5)


def test_false_and_missing_masks_lower_the_detection_only() -> None:
    truth = video({0: (0, 4)}, {0: (0, 4)})
    found = tracking(video({0: (0, 4)}, {0: (0, 4), 3: (6, 10)}), truth, fps=2)
    assert found["deta"] == pytest.approx(2 / 3)
    assert found["assa"] == 1
    assert (found["idp"], found["idr"]) == (pytest.approx(2 / 3), 1)


def test_a_match_is_kept_although_another_mask_fits_better() -> None:
    truth = video(*[{0: (0, 6)}] * 2)
    found = tracking(video({1: (0, 6)}, {1: (0, 4), 2: (0, 6)}), truth, fps=1)
    assert found["switches"] == 0


def test_a_second_counts_from_half_of_its_frames() -> None:
    truth = video(*[{0: (0, 4)}] * 4, {}, {})
    tracks = video(*[{7: (0, 4)}] * 3, {}, {7: (0, 4)}, {})
    found = tracking(tracks, truth, fps=2)
    assert found["second_f1"] == pytest.approx(2 * 2 / (2 * 2 + 1 + 0))


def test_motion_of_the_truth_is_no_jitter() -> None:
    truth = video({0: (0, 6)}, {0: (2, 8)}, {0: (4, 10)})
    late = video({0: (1, 6)}, {0: (3, 8)}, {0: (5, 10)})  # an error that moves with the object
    assert tracking(late, truth, fps=1)["jitter"] == 0


def test_jitter_is_the_displacement_of_the_outline() -> None:
    truth = video(*[{0: (2, 8)}] * 2)
    moved = tracking(video({0: (2, 8)}, {0: (2, 9)}), truth, fps=1)
    outline = 2 * SIDE + 2 * 4
    assert moved["jitter"] == pytest.approx(SIDE / outline)


@given(videos, videos)
@settings(max_examples=40, deadline=None)
def test_idf1_is_that_of_the_best_of_all_assignments(one: list[Frame], two: list[Frame]) -> None:
    length = min(len(one), len(two))
    truth, tracks = video(*one[:length]), video(*two[:length])
    found = tracking(tracks, truth, fps=1)["idf1"]
    matches = np.zeros((3, 3))
    for true, track in zip(one[:length], two[:length], strict=True):
        for (i, (a, b)), (j, (c, d)) in itertools.product(true.items(), track.items()):
            joint = max(0, min(b, d) - max(a, c))
            matches[i, j] += joint / (b - a + d - c - joint) >= 0.5
    best = max(sum(matches[i, p[i]] for i in range(3)) for p in itertools.permutations(range(3)))
    masks = sum(len(frame) for frame in (*one[:length], *two[:length]))
    assert found == pytest.approx(2 * best / masks if masks else math.nan, nan_ok=True)


def test_sums_of_videos_add_up() -> None:
    truth = video(TWO, TWO)
    broken = video(TWO, {0: TWO[0], 5: TWO[1]})
    sums = tracking_sums(truth, truth, 1) + tracking_sums(broken, truth, 1)
    found = summarise(sums)
    assert found["switches"] == 1
    assert found["idf1"] == pytest.approx(7 / 8)


@pytest.mark.parametrize(
    ("tracks", "truth", "fps"),
    [
        ([], [], 1.0),
        (video(TWO), video(TWO, TWO), 1.0),
        (video(TWO), video(TWO), 0.0),
        ([TrackedMasks(torch.zeros(0).long(), torch.zeros(0, 3, 3) > 0)], video(TWO), 1.0),
    ],
)
def test_wrong_videos_are_refused(tracks: list[TrackedMasks], truth: list[TrackedMasks], fps: float) -> None:
    with pytest.raises(InputError):
        tracking(tracks, truth, fps)


def test_wrong_frames_are_refused() -> None:
    masks = torch.zeros(2, 3, 3) > 0
    for ids in (torch.tensor([1, 1]), torch.tensor([1]), torch.tensor([1.0, 2.0])):
        with pytest.raises(InputError):
            TrackedMasks(ids, masks)
