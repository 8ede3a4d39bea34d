from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from seac.associate.losses import (
    LOSSES,
    Batch,
    Frozen,
    false_negatives,
    micl,
    msa_micl,
    similarity_matrix,
)
from seac.associate.mixing import random_groups


def written_msa_micl(similarity: Tensor, groups: Tensor, temperature: float) -> Tensor:
    """Eq. 8 term by term, with means in place of sums."""
    count, mixtures = similarity.shape
    power = [[(similarity[i, k] / temperature).exp() for k in range(mixtures)] for i in range(count)]
    first = second = torch.zeros((), dtype=similarity.dtype)
    for k in range(mixtures):
        found = sum(power[i][k] for i in range(count) if int(groups[i]) == k)
        first = first - (found / sum(power[j][k] for j in range(count))).log()
    for i in range(count):
        second = second - (power[i][int(groups[i])] / sum(power[i])).log()
    return first / mixtures + second / count


def reference_micl(similarity: Tensor, temperature: float) -> Tensor:
    """Eq. 6 term by term."""
    power = (similarity / temperature).exp()
    pairs = power.diagonal()
    return -(pairs / power.sum(1)).log().mean() - (pairs / power.sum(0)).log().mean()


def cosines(rows: int, columns: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(rows, columns, generator=generator, dtype=torch.float64) * 2 - 1


PARTITIONS = ([0, 0, 1, 1, 2, 2], [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0], [2, 0, 0, 1, 0, 2])


@pytest.mark.parametrize("groups", PARTITIONS)
def test_loss_and_its_gradient_are_those_of_a_reference_loop(groups: list[int]) -> None:
    members = torch.tensor(groups)
    ours = cosines(6, max(groups) + 1).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    loss, reference = msa_micl(ours, members, 0.07), written_msa_micl(theirs, members, 0.07)
    assert float(loss.detach()) == pytest.approx(float(reference.detach()), abs=1e-12)
    loss.backward()
    reference.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("groups", PARTITIONS)
def test_gradient_agrees_with_finite_differences(groups: list[int]) -> None:
    members = torch.tensor(groups)
    similarity = cosines(6, max(groups) + 1).requires_grad_()
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s, t: msa_micl(s, members, t), (similarity, temperature))


def test_as_many_mixtures_as_samples_is_micl() -> None:
    similarity = cosines(16, 16)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    assert float(micl(similarity, 0.07)) == pytest.approx(float(reference_micl(similarity, 0.07)), abs=1e-6)
    mixed = msa_micl(similarity[:, order.argsort()], order, 0.07)
    assert float(mixed) == pytest.approx(float(micl(similarity, 0.07)), abs=1e-6)


def test_order_of_samples_and_of_mixtures_does_not_matter() -> None:
    similarity, generator = cosines(9, 4), torch.Generator().manual_seed(3)
    groups = random_groups(9, generator)
    rows, columns = torch.randperm(9, generator=generator), torch.randperm(4, generator=generator)
    expected = float(msa_micl(similarity, groups, 0.1))
    assert float(msa_micl(similarity[rows], groups[rows], 0.1)) == pytest.approx(expected, abs=1e-12)
    renamed = columns.argsort()[groups]
    assert float(msa_micl(similarity[:, columns], renamed, 0.1)) == pytest.approx(expected, abs=1e-12)


def test_one_mixture_of_everything_has_no_gradient() -> None:
    similarity = cosines(5, 1).requires_grad_()
    loss = msa_micl(similarity, torch.zeros(5, dtype=torch.int64), 0.07)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-12)
    assert similarity.grad is not None
    assert float(similarity.grad.abs().max()) < 1e-12


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_as_good_as_float32_on_the_same_values(dtype: torch.dtype) -> None:
    # At the minimum temperature e**(1 / .01) exceeds the range of float16 and of float32.
    half = cosines(32, 16).to(dtype)
    half[0, 0] = 1
    half.requires_grad_()
    groups = random_groups(32, torch.Generator().manual_seed(0))
    loss = msa_micl(half, groups, 0.01)
    loss.backward()
    reference = written_msa_micl(half.detach().double(), groups, 0.01)
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(float(reference), rel=1e-5)
    assert half.grad is not None
    assert bool(half.grad.isfinite().all())


@pytest.mark.parametrize("groups", [[0, 0, 2, 2], [0, 1, 2, 3], [-1, 0, 1, 2]])
def test_groups_that_are_no_partition_are_refused(groups: list[int]) -> None:
    with pytest.raises(ValueError, match="no partition into 3"):
        msa_micl(cosines(4, 3), torch.tensor(groups), 0.07)


def test_similarity_is_the_greatest_cosine_of_a_frame() -> None:
    generator = torch.Generator().manual_seed(0)
    masks, audio = torch.randn(3, 5, 8, generator=generator), torch.randn(4, 8, generator=generator)
    padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[1, 2:] = True
    found = similarity_matrix(masks, padding, audio)
    for i in range(3):
        for k in range(4):
            each = [
                float(torch.cosine_similarity(masks[i, n], audio[k], dim=0))
                for n in range(5)
                if not padding[i, n]
            ]
            assert float(found[i, k]) == pytest.approx(max(each), abs=1e-6)


def test_a_padded_mask_never_is_the_maximum_and_gets_no_gradient() -> None:
    audio = torch.tensor([[1.0, 0.0]])
    masks = torch.tensor([[[-1.0, 0.1], [1.0, 0.0]]], requires_grad=True)
    padding = torch.tensor([[False, True]])
    found = similarity_matrix(masks, padding, audio)
    assert float(found.detach()) < -0.9
    found.sum().backward()
    assert masks.grad is not None
    assert float(masks.grad[0, 1].abs().sum()) == 0


def test_a_frame_without_masks_is_refused_by_its_row() -> None:
    padding = torch.tensor([[False, True], [True, True]])
    with pytest.raises(ValueError, match=r"frames \[1\] of the batch have no masks"):
        similarity_matrix(torch.randn(2, 2, 4), padding, torch.randn(3, 4))


def frozen() -> Frozen:
    """Samples 0 and 3 have equal frames, samples 1 and 2 have equal audio."""
    frames, audio = torch.eye(4) + 5, torch.eye(4).flip(0) + 5
    frames[3], audio[2] = frames[0], audio[1]
    return Frozen(frames, audio)


def test_likely_false_negatives_are_pairs_with_similar_frames_or_audio() -> None:
    found = false_negatives(frozen(), torch.arange(4), 4, 0.8)
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[0, 3] = expected[3, 0] = expected[1, 2] = expected[2, 1] = True
    assert torch.equal(found, expected)


def test_a_mixture_is_ignored_if_any_member_is_similar() -> None:
    found = false_negatives(frozen(), torch.tensor([0, 0, 1, 1]), 2, 0.8)
    assert found.tolist() == [[False, True], [False, True], [True, False], [True, False]]


def test_ignored_pairs_have_no_influence_and_positive_pairs_always_do() -> None:
    groups = torch.arange(4)
    batch = Batch(cosines(4, 4).requires_grad_(), groups, torch.tensor(0.1), frozen(), 0.8)
    LOSSES["false-negative-aware"](batch).backward()
    assert batch.similarity.grad is not None
    silenced = batch.similarity.grad == 0
    assert torch.equal(silenced, false_negatives(frozen(), groups, 4, 0.8))
    everything = torch.ones(4, 4, dtype=torch.bool)
    assert math.isclose(float(msa_micl(cosines(4, 4), groups, 0.1, everything)), 0, abs_tol=1e-12)


def test_without_false_negatives_the_published_loss_remains() -> None:
    batch = Batch(cosines(4, 4), torch.arange(4), torch.tensor(0.1), frozen(), threshold=1.1)
    assert torch.equal(LOSSES["false-negative-aware"](batch), LOSSES["msa-micl"](batch))
