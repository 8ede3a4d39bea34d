from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.associate.input_projection import InputFeatures
from seac.associate.mixing import as_float, mix
from seac.features.batch import IndexBatch, StorePart, index_batches
from seac.training.collate import Collate, encode_waveforms, sample_windows
from tests.fixtures.training_data import Bands, synthetic_store


def sample_batches(
    proposals: torch.Tensor, batch: int, seed: int = 0, **settings: object
) -> list[IndexBatch]:
    return list(index_batches(proposals, batch, torch.Generator().manual_seed(seed), **settings))  # type: ignore[arg-type]


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 2**32))
def test_an_epoch_has_each_clip_at_most_once_and_in_a_frame_with_masks(
    clips: int, batch: int, seed: int
) -> None:
    proposals = torch.randint(0, 3, (clips, 4), generator=torch.Generator().manual_seed(seed))
    usable = int((proposals > 0).any(1).sum())
    found = sample_batches(proposals, batch, seed)
    pairs = [pair for indices in found for pair in zip(indices.clips, indices.frames, strict=True)]
    assert all(proposals[clip, frame] > 0 for clip, frame in pairs)
    assert len({clip for clip, _ in pairs}) == len(pairs)
    size = min(batch, usable)
    assert [len(indices.clips) for indices in found] == ([size] * (usable // size) if usable else [])


def test_every_frame_can_be_a_sample() -> None:
    proposals = torch.tensor([[2, 0, 1], [0, 0, 0], [1, 1, 1]])
    found = sample_batches(proposals, 5, every_frame=True)
    assert sorted(zip(found[0].clips, found[0].frames, strict=True)) == [
        (0, 0),
        (0, 2),
        (2, 0),
        (2, 1),
        (2, 2),
    ]


def test_over_epochs_every_frame_of_a_clip_is_sampled() -> None:
    found = {indices.frames[0] for seed in range(60) for indices in sample_batches(torch.ones(1, 5), 1, seed)}
    assert found == set(range(5))


def test_batches_are_mixed_with_the_given_probability() -> None:
    mixed = [indices.mixed for indices in sample_batches(torch.ones(2000, 1), 1, mixing=0.3)]
    assert 0.25 < sum(mixed) / len(mixed) < 0.35
    assert not any(indices.mixed for indices in sample_batches(torch.ones(50, 1), 1))


def test_a_store_in_memory_pads_with_zeros_and_counts_masks() -> None:
    store = synthetic_store()
    read = store.read([0, 5], [1, 0], masks=3, waveforms=True)
    for row, (clip, frame) in enumerate([(0, 1), (5, 0)]):
        count = int(read.mask_counts[row])
        assert count == min(3, len(store.local[clip][frame]))
        assert torch.equal(read.local[row, :count], store.local[clip][frame][:3])
        assert not read.local[row, count:].any()
        assert read.mask_padding()[row].tolist() == [
            position >= count for position in range(read.local.shape[1])
        ]
        assert int(read.window_counts[row]) == len(store.windows[clip])
    assert read.waveforms is not None
    assert torch.equal(read.waveforms[1], store.waveforms[5])
    assert int(store.proposals[1, 0]) == 0


def test_part_of_a_store_reads_the_same_features() -> None:
    store = synthetic_store()
    part = StorePart(store, (7, 3))
    subset, expected = (
        each.read(rows, [1, 1], masks=9, waveforms=False) for each, rows in ((part, [0, 1]), (store, [7, 3]))
    )
    assert torch.equal(subset.local, expected.local)
    assert torch.equal(part.proposals, store.proposals[[7, 3]])
    assert (part.mask_dim, part.audio_dim, len(part)) == (store.mask_dim, store.audio_dim, 2)


def features(lam: float = 0.6) -> InputFeatures:
    """Embeddings alone."""
    return InputFeatures(None, None, lam)


def test_class_probabilities_are_read_where_they_are_asked_for() -> None:
    store = synthetic_store(classes=True)
    batch = store.read([4, 2], [0, 1], masks=9, waveforms=False, probabilities=True)
    assert batch.local_probabilities is not None
    assert batch.local_probabilities.shape == (*batch.local.shape[:2], 10)
    assert batch.masks().mixed_probabilities(0.6).shape == (batch.local.shape[0] * batch.local.shape[1], 10)
    assert batch.window_probabilities is not None
    assert batch.window_probabilities.shape[:2] == batch.windows.shape[:2]
    assert store.read([4], [0], masks=9, waveforms=False).local_probabilities is None


def test_random_windows_are_never_all_padding() -> None:
    windows = torch.arange(24.0).view(2, 12, 1)
    padding = torch.arange(12) >= torch.tensor([[12], [1]])
    seen = set()
    for seed in range(40):
        chosen, absent = sample_windows(windows, padding, 3, torch.Generator().manual_seed(seed))
        assert 1 <= chosen.shape[1] <= 3
        assert not absent.all(1).any()
        assert chosen[1][~absent[1]].flatten().tolist() == [12.0]
        seen.add(chosen.shape[1])
    assert seen == {1, 2, 3}


def test_an_unmixed_batch_reads_the_stored_audio_features() -> None:
    store = synthetic_store()
    prepared = Collate(store, features(1.0), 50)(IndexBatch((4, 2), (0, 1), mixed=False, seed=1))
    assert torch.equal(prepared.windows[0, : len(store.windows[4])], store.windows[4].float())
    assert prepared.groups.tolist() == [0, 1]
    assert torch.equal(prepared.masks[1, : len(store.local[2][1])], store.local[2][1].float())


def test_lambda_is_the_weight_of_the_local_view() -> None:
    store, draw = synthetic_store(), IndexBatch((4,), (0,), mixed=False, seed=1)
    local, context, both = (Collate(store, features(lam), 50)(draw).masks for lam in (1.0, 0.0, 0.6))
    torch.testing.assert_close(both, 0.6 * local + 0.4 * context)


def test_a_mixed_batch_encodes_the_sum_of_the_waveforms() -> None:
    store = synthetic_store()
    draw = IndexBatch(tuple(range(2, 10)), (0,) * 8, mixed=True, seed=5)
    prepared = Collate(store, features(), 50, group=2, encoder=Bands(), encoder_batch=3)(draw)
    assert prepared.windows.shape[0] == 4
    for group in range(4):
        members = [clip for clip, g in zip(draw.clips, prepared.groups.tolist(), strict=True) if g == group]
        (mixture,) = mix([as_float(store.waveforms[clip]) for clip in members], torch.tensor([0, 0]))
        (expected,) = encode_waveforms([mixture], Bands())
        there = int((~prepared.window_padding[group]).sum())
        torch.testing.assert_close(prepared.windows[group, :there], expected.embeddings)
        assert not prepared.windows[group, there:].any()


def test_a_batch_is_random_by_its_seed_alone() -> None:
    collate = Collate(synthetic_store(), features(), 50, encoder=Bands())
    first, again, other = (
        collate(IndexBatch(tuple(range(2, 18)), (1,) * 16, mixed=True, seed=seed)).groups.tolist()
        for seed in (3, 3, 4)
    )
    assert first == again != other


def test_mixtures_need_an_audio_encoder() -> None:
    with pytest.raises(ValueError, match="pass an audio encoder"):
        Collate(synthetic_store(), features(), 50)(IndexBatch((0,), (1,), mixed=True, seed=0))
