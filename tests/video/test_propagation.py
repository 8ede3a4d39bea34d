"""Masks between key frames follow the motion, stop at cuts, and are dark when nothing sounds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from seac.results.rle import encode_rle
from seac.video.flow import DenseFlow, follow, invert, residual, signed_distance, targets, warp
from seac.video.propagation import LIMIT, KeyMasks, Propagation, SizedFrame

SIZE = (96, 160)
SIDE = 36
FPS = 25


class Always:
    """Shows some tracks at all times, or from one time to another."""

    def __init__(self, *tracks: int, start: float = 0.0, stop: float = np.inf) -> None:
        self.tracks, self.start, self.stop = tracks, start, stop

    def at(self, time: float) -> list[int]:
        return [*self.tracks] if self.start <= time < self.stop else []

    def during(self, start: float, stop: float) -> set[int]:
        return set(self.tracks) if start < self.stop and self.start < stop else set()


def texture(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Blocks of random colour in three sizes."""
    random = np.random.default_rng(seed)
    layers = []
    for block in (16, 8, 4):
        small = random.integers(0, 85, (-(-size[0] // block), -(-size[1] // block), 3))
        layers.append(small.repeat(block, 0).repeat(block, 1)[: size[0], : size[1]])
    return np.sum(layers, axis=0).astype(np.uint8)


def square_at(x: int, y: int) -> np.ndarray:
    mask = np.zeros(SIZE, np.bool_)
    mask[max(0, y) : y + SIDE, max(0, x) : x + SIDE] = True
    return mask


def scene(x: int, y: int, *, ground: int = 1, square: int = 2) -> np.ndarray:
    image = texture(ground).copy()
    mask = square_at(x, y)
    image[mask] = texture(square)[:SIDE, :SIDE][: mask.any(1).sum(), : mask.any(0).sum()].reshape(-1, 3)
    return image


def moving(count: int, speed: int = 2) -> tuple[list[SizedFrame], list[np.ndarray]]:
    """A square that moves ``speed`` pixels a frame, and its masks."""
    places = [(10 + speed * n, 20 + n // 2) for n in range(count)]
    frames = [SizedFrame(n, n / FPS, 1 / FPS, scene(*place)) for n, place in enumerate(places)]
    return frames, [square_at(*place) for place in places]


def key(frame: SizedFrame, masks: dict[int, np.ndarray], *, cut: bool = False) -> KeyMasks:
    codes = {track: encode_rle(mask[None])[0] for track, mask in masks.items()}
    return KeyMasks(frame.index, frame.time, cut, codes)


def overlap(mask: np.ndarray, other: np.ndarray) -> float:
    return float((mask & other).sum() / max(1, (mask | other).sum()))


def masks_of(track: int, found: list[tuple[SizedFrame, dict[int, np.ndarray]]]) -> list[np.ndarray | None]:
    return [masks.get(track) for _, masks in found]


@pytest.mark.parametrize("speed", [0, 1, 3])
def test_a_moving_square_is_followed_between_key_frames(speed):
    frames, truth = moving(26, speed)
    keys = [key(frames[0], {7: truth[0]}), key(frames[25], {7: truth[25]})]
    found = masks_of(7, list(Propagation(SIZE, Always(7)).run(frames, keys)))
    assert overlap(found[0], truth[0]) == overlap(found[25], truth[25]) == 1
    assert min(overlap(mask, true) for mask, true in zip(found, truth, strict=True)) > 0.8


def test_a_square_is_followed_from_one_side_only():
    frames, truth = moving(26)
    forward = list(Propagation(SIZE, Always(7)).run(frames, [key(frames[0], {7: truth[0]})]))
    backward = list(Propagation(SIZE, Always(7)).run(frames, [key(frames[25], {7: truth[25]})]))
    near = masks_of(7, forward)[:8] + masks_of(7, backward)[18:]
    assert min(map(overlap, near, truth[:8] + truth[18:])) > 0.55


def test_the_outline_moves_from_one_neighbour_to_the_other():
    frames, truth = moving(11, 0)
    small = np.zeros(SIZE, np.bool_)
    small[26:50, 16:40] = True
    keys = [key(frames[0], {7: truth[0]}), key(frames[10], {7: small})]
    found = masks_of(7, list(Propagation(SIZE, Always(7)).run(frames, keys)))
    areas = [int(mask.sum()) for mask in found]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] == truth[0].sum()
    assert areas[-1] == small.sum()
    assert max(-np.diff(areas)) < 0.25 * areas[0]


@pytest.mark.parametrize("reported", [False, True])
@pytest.mark.parametrize("at", [1, 9, 19])
def test_nothing_is_carried_over_a_cut(at, reported):
    frames, truth = moving(20, 1)
    frames = [
        frame if frame.index < at else SizedFrame(frame.index, frame.time, frame.duration, texture(30))
        for frame in frames
    ]
    other = square_at(100, 40)
    keys = [key(frames[0], {7: truth[0]}), key(frames[19], {8: other}, cut=reported)]
    found = list(Propagation(SIZE, Always(7, 8)).run(frames, keys))
    for frame, masks in found:
        assert set(masks) == ({7} if frame.index < at else {8})


def test_a_reported_cut_is_put_where_the_change_is_greatest():
    """Half of the frame changes: too little for the test of its own."""
    frames, truth = moving(20, 0)
    changed = scene(10, 20)
    changed[:, 90:] = texture(40)[:, 90:]
    frames = [
        frame if frame.index < 12 else SizedFrame(frame.index, frame.time, frame.duration, changed)
        for frame in frames
    ]
    keys = [key(frames[0], {7: truth[0]}), key(frames[19], {8: truth[0]}, cut=True)]
    for frame, masks in Propagation(SIZE, Always(7, 8)).run(frames, keys):
        assert set(masks) == ({7} if frame.index < 12 else {8})


def test_a_flash_is_no_cut():
    flow = DenseFlow(SIZE)
    gray = flow.to_gray(scene(10, 20))
    brighter = (gray.astype(int) // 2 + 120).astype(np.uint8)
    assert residual(gray, gray, flow.flow(gray, gray)) == 0
    other = flow.to_gray(texture(9))
    assert residual(brighter, gray, flow.flow(brighter, gray)) < 0.5 * residual(
        other, gray, flow.flow(other, gray)
    )


def test_a_track_without_a_mask_in_the_neighbour_is_carried_for_a_while():
    frames, truth = moving(76, 0)
    keys = [key(frames[0], {7: truth[0]}), key(frames[75], {})]
    shown = [frame.time for frame, masks in Propagation(SIZE, Always(7)).run(frames, keys) if masks]
    assert shown[-1] == pytest.approx(LIMIT, abs=1 / FPS)
    keys = [key(frames[0], {}), key(frames[75], {7: truth[75]})]
    shown = [frame.time for frame, masks in Propagation(SIZE, Always(7)).run(frames, keys) if masks]
    assert shown[0] == pytest.approx(3 - LIMIT, abs=1 / FPS)


def test_a_mask_that_one_key_frame_lacks_is_carried_through_it():
    frames, truth = moving(31, 1)
    keys = [key(frames[n], {7: truth[n]} if n != 10 else {}) for n in (0, 10, 20, 30)]
    found = masks_of(7, list(Propagation(SIZE, Always(7)).run(frames, keys)))
    assert min(overlap(mask, true) for mask, true in zip(found, truth, strict=True)) > 0.65


def test_tracks_that_are_not_shown_take_no_work(monkeypatch):
    frames, truth = moving(40, 1)
    computed = []
    monkeypatch.setattr(
        DenseFlow,
        "flow",
        lambda self, gray, other: computed.append(1) or np.zeros((*self.size, 2), np.float32),
    )
    keys = [key(frames[n], {7: truth[n]}) for n in (0, 10, 20, 30)]
    found = list(Propagation(SIZE, Always(7, start=0.9, stop=1.0)).run(frames, keys))
    assert [frame.index for frame, masks in found if masks] == [23, 24]
    assert len(computed) <= 2 * 10


def test_covered_masks_are_not_shown_near_their_key_frame():
    frames, truth = moving(21, 0)
    first = key(frames[0], {7: truth[0]})
    second = KeyMasks(20, 0.8, False, first.codes, frozenset({7}))
    found = masks_of(7, list(Propagation(SIZE, Always(7)).run(frames, [first, second])))
    assert [mask is not None for mask in found] == [True] * 11 + [False] * 10


def test_the_number_of_frames_that_are_held_is_bounded():
    held, most = 0, 0

    class Counted(SizedFrame):
        def __del__(self) -> None:
            nonlocal held
            held -= 1

    image = scene(10, 20)

    def frames() -> Iterator[SizedFrame]:
        nonlocal held, most
        for number in range(300):
            held += 1
            most = max(most, held)
            yield Counted(number, number / FPS, 1 / FPS, image)

    truth = square_at(10, 20)
    keys = [KeyMasks(n, n / FPS, False, {7: encode_rle(truth[None])[0]}) for n in (0, 20, 250)]
    propagation = Propagation(SIZE, Always(7), max_bytes=30 * image.nbytes)
    count = 0
    for _, masks in propagation.run(frames(), keys):
        assert overlap(masks[7], truth) > 0.97
        count += 1
    assert count == 300
    assert most <= 30 + 3


def test_every_frame_comes_once_and_in_order_wherever_the_key_frames_are():
    frames, truth = moving(12, 1)
    for indices in ([], [0], [3], [0, 1, 2], [11], [0, 5, 5, 11], [0, 40]):
        keys = [KeyMasks(n, n / FPS, False, {7: encode_rle(truth[min(n, 11)][None])[0]}) for n in indices]
        found = list(Propagation(SIZE, Always(7)).run(frames, keys))
        assert [frame.index for frame, _ in found] == list(range(12))


def test_motions_follow_one_another():
    rng = np.random.default_rng(0)
    still = np.zeros((48, 64, 2), np.float32)
    some = rng.uniform(-2, 2, (48, 64, 2)).astype(np.float32)
    assert np.array_equal(follow(still, some), some)
    assert np.array_equal(follow(some, still), some)
    right = still + np.float32([3, 1])
    assert np.allclose(follow(right, right), 2 * right)
    assert np.allclose(invert(right), -right)
    assert np.allclose(targets(right, (96, 128))[0, 0], [6, 2])


def test_distances_bring_back_the_mask():
    mask = square_at(30, 20) | square_at(-10, 70)
    distance = signed_distance(mask, 10)
    assert np.array_equal(distance > 128, mask)
    still = np.zeros((*SIZE, 2), np.float32)
    assert overlap(warp([distance], targets(still, SIZE))[0] > 128, mask) > 0.97


@pytest.mark.parametrize("size", [(8, 8), (32, 48), (20, 400), (720, 96)])
def test_frames_of_any_size_have_a_flow(size):
    flow = DenseFlow(size)
    first, second = flow.to_gray(texture(1, size)), flow.to_gray(texture(2, size))
    assert flow.flow(first, second).shape == (*flow.size, 2)
