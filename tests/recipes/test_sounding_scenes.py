"""Training scenes: which masks sound under which clip, and frames side by side."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.sounding.evaluate import calibration_error, summarise_pairs
from recipes.sounding.scenes import (
    APART,
    FITS,
    MAX_MASKS,
    MISSED_WEIGHT,
    NATURE,
    PART_WEIGHT,
    PairShares,
    SceneSampler,
    Targets,
    half_geometry,
    mask_targets,
    pad,
)
from recipes.sounding.train import HeadTraining, train_sounding_head
from seac.decision.sounding_network import SoundingConfig, SoundingInputs, SoundingNetwork, mask_geometry
from seac.encoders.labels.sound_sources import group_matrix
from tests.fixtures.sounding_scenes import (
    COUNT,
    DIM,
    MASKS,
    SOURCES,
    encoded_clips,
    encoded_frames,
    make_frame,
)

OWN = PairShares(own=1, mixture=0, absent=0, similar=0, side_by_side=0)
ABSENT = PairShares(own=0, mixture=0, absent=1, similar=0, side_by_side=0)
NOISE = PairShares(own=0, mixture=0, absent=0, similar=0, side_by_side=0)
MIXED = PairShares(own=0, mixture=1, absent=0, similar=0, side_by_side=0)
BESIDE = PairShares(own=1, mixture=0, absent=0, similar=0, side_by_side=1)


def sampler(shares: PairShares | None = None, seed: int = 0) -> SceneSampler:
    return SceneSampler(encoded_frames(), encoded_clips(), seed, shares)


def expected_sounds(inputs: SoundingInputs, targets: Targets) -> torch.Tensor:
    """Whether the certain class of each mask is audible: (B, N) float32."""
    with_none = torch.nn.functional.pad(targets.audible, (0, 1))
    classes = inputs.image_probabilities.argmax(-1)
    return (with_none.gather(1, classes) & ~inputs.padding).float()


def audible(*sources: int) -> torch.Tensor:
    found = torch.zeros(COUNT, dtype=torch.bool)
    found[list(sources)] = True
    return found


@pytest.mark.parametrize("shares", [OWN, ABSENT, NOISE, MIXED, BESIDE, None], ids=str)
def test_the_masks_of_audible_sources_sound(shares: PairShares | None) -> None:
    inputs, targets = sampler(shares).batch(16)
    assert torch.equal(targets.sounds, expected_sounds(inputs, targets))
    assert torch.equal(targets.visible > 0, targets.sounds.any(1))
    assert not targets.bags.any()


def test_under_its_own_clip_a_mask_of_every_frame_sounds() -> None:
    inputs, targets = sampler(OWN).batch(16)
    assert inputs.local.shape == (16, MAX_MASKS, DIM)
    assert bool((targets.sounds.sum(1) == 1).all())
    assert bool(targets.visible.all())
    assert inputs.padding[:, MASKS:].all()
    assert not inputs.padding[:, :MASKS].any()


def test_under_a_mixture_both_masks_sound() -> None:
    _, targets = sampler(MIXED).batch(8)
    assert bool((targets.sounds.sum(1) == 2).all())


def test_under_noise_no_mask_sounds() -> None:
    _, targets = sampler(NOISE).batch(8)
    assert not targets.sounds.any()
    assert not targets.visible.any()
    assert not targets.audible.any()


def test_under_an_absent_clip_no_mask_sounds() -> None:
    dog, violin = SOURCES
    sounds, weight = mask_targets(make_frame(0, (dog,)), audible(violin))
    assert not sounds.any()
    assert (weight == 1).all()


def test_the_target_of_a_mask_rises_with_its_fit_and_a_part_has_less_weight() -> None:
    frame = make_frame(0, SOURCES[:1])
    frame.inside[:, 0] = [0.5, 0.9]
    for fit, expected in ((APART, 0.0), ((APART + FITS) / 2, 0.5), (FITS, 1.0), (0.95, 1.0)):
        frame.iou[:, 0] = [fit, 0.1]
        sounds, weight = mask_targets(frame, audible(SOURCES[0]))
        np.testing.assert_allclose(sounds, [expected, 0], atol=1e-6)
        np.testing.assert_allclose(weight, [1, PART_WEIGHT])


def test_it_is_unknown_whether_unmarked_nature_sounds() -> None:
    drawn, wind = sampler(OWN), int(NATURE.nonzero()[0, 0])
    drawn.frames.frames[0].iou[1] = 0
    part = drawn.part(0, None, audible(wind))
    assert part is not None
    assert not part.known
    assert not part.sounds.any()
    np.testing.assert_allclose(part.weight, [1, 0, 0])
    known = drawn.part(0, None, audible(wind, SOURCES[0]))
    assert known is not None
    assert known.known


def test_a_source_without_a_mask_lowers_the_weight_of_its_frame() -> None:
    drawn = sampler(OWN)
    frame = drawn.frames.frames[0]
    frame.iou[:] = frame.inside[:] = 0
    part = drawn.part(0, None, audible(SOURCES[0]))
    assert part is not None
    assert not part.sounds.any()
    np.testing.assert_allclose(part.weight, MISSED_WEIGHT)


def test_the_same_seed_draws_the_same_scenes() -> None:
    first, second, other = (sampler(seed=seed).batch(8) for seed in (1, 1, 2))
    assert torch.equal(first[0].local, second[0].local)
    assert torch.equal(first[1].sounds, second[1].sounds)
    assert not torch.equal(first[0].local, other[0].local)


def test_masks_are_ordered_by_objectness_with_ranks() -> None:
    inputs, _ = sampler(BESIDE).batch(4)
    geometry = inputs.geometry[:, : 2 * MASKS]
    assert bool((geometry[:, :-1, 0] >= geometry[:, 1:, 0]).all())
    ranks = torch.arange(2 * MASKS) / 20 - 0.5
    torch.testing.assert_close(geometry[..., -1], ranks.expand(4, -1))


def test_frames_side_by_side_are_in_their_halves() -> None:
    inputs, _ = sampler(BESIDE).batch(8)
    geometry = inputs.geometry[:, : 2 * MASKS]
    centre, width = (geometry[..., 2] + 1) / 2, (geometry[..., 4] + 1) / 2
    left, right = centre - width / 2, centre + width / 2
    in_left, in_right = right <= 0.5 + 1e-5, left >= 0.5 - 1e-5
    assert bool((in_left ^ in_right).all())
    assert bool((in_left.sum(1) == MASKS).all())


@given(
    st.floats(0, 0.6), st.floats(0.1, 0.4), st.floats(0, 0.6), st.floats(0.1, 0.4), st.sampled_from([0, 1])
)
@settings(deadline=None, max_examples=30)
def test_geometry_of_a_half_is_that_of_the_moved_box(
    left: float, width: float, top: float, height: float, side: int
) -> None:
    box = torch.tensor([[left, top, left + width, top + height]]) * 100
    area, score = torch.tensor([width * height / 2]), torch.tensor([0.7])
    moved = box * torch.tensor([0.5, 1.0, 0.5, 1.0]) + torch.tensor([50.0, 0.0, 50.0, 0.0]) * side
    whole = mask_geometry(box, area, score, 100, 100).numpy()
    half = mask_geometry(moved, area / 2, score, 100, 100).numpy()
    columns = [0, 1, 2, 3, 4, 5, 7]  # contact with the border is not changed
    np.testing.assert_allclose(half_geometry(whole, side)[:, columns], half[:, columns], atol=0.01)
    np.testing.assert_array_equal(half_geometry(whole, None), whole)


def test_rows_are_padded_with_zeros() -> None:
    padded = pad([torch.ones(2, 3), torch.ones(0, 3)])
    assert padded.shape == (2, MAX_MASKS, 3)
    assert float(padded.sum()) == 6


def test_training_ranks_the_sounding_mask_first_and_finds_silence() -> None:
    torch.manual_seed(0)
    groups = group_matrix()
    config = SoundingConfig(
        DIM, DIM, COUNT, groups.shape[1], 4, 4, shared=8, width=16, depth=1, heads=2, dropout=0
    )
    network = SoundingNetwork(config)
    network.image_basis.normal_()
    network.audio_basis.normal_()
    network.group_of.copy_(groups)
    training = HeadTraining(steps=100, batch=16, rate=5e-3, warmup=10, average=0.9)
    shares = PairShares(own=0.5, mixture=0, absent=0.3, side_by_side=0)
    network = train_sounding_head(network, sampler(shares), training)
    inputs, targets = sampler(OWN, seed=9).batch(32)
    with torch.inference_mode():
        own = network(inputs).log_odds()
        noise = network(sampler(NOISE, seed=9).batch(32)[0]).log_odds()
    best = own.argmax(1, keepdim=True)
    assert float(targets.sounds.gather(1, best).mean()) > 0.8  # chance is one third
    loudest = (own.amax(1)[:, None] > noise.amax(1)[None]).float().mean()
    assert float(loudest) > 0.8  # chance is one half
    scores = summarise_pairs(network, sampler(seed=3), 8)
    assert all(0 <= scores[name] <= 1 for name in ("peak", "iou", "auroc", "calibration_error"))
    assert scores["pairs"] == 8


def test_certain_and_right_probabilities_have_no_calibration_error() -> None:
    right = np.array([True, False, True])
    assert calibration_error(right.astype(np.float32), right) == 0
    assert calibration_error(np.full(4, 0.5, np.float32), np.array([True, False] * 2)) == 0
    assert calibration_error(np.ones(4, np.float32), np.zeros(4, bool)) == 1
