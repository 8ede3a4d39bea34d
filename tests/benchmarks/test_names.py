"""The benchmark of names: right names, right parents, and class heads without a class."""

from __future__ import annotations

from typing import cast

import torch

from benchmarks.names.left_out import head_without, without
from benchmarks.names.masks import Named, parent_hits, right_names
from benchmarks.names.scoring import Benchmark
from seac.classify.experts import ExpertsClassifier
from seac.classify.parents import Abstention
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.labels.sound_sources import source_names
from tests.fixtures.sounding import NAMES, tiny_class_heads

VOCABULARY = ("dog", "cat", "car", "animal")
DOG, CAT, CAR, ANIMAL = range(4)
SOURCE = source_names().index("dog")


def named(*sources: int) -> Named:
    count = len(sources)
    masks = MaskEmbeddings(torch.arange(count)[:, None].float(), torch.zeros(count, 1))
    clips = tuple(AudioFeatures(torch.zeros(1, 1), torch.zeros(1, 1)) for _ in sources)
    return Named(masks, clips, clips, sources)


def test_a_name_is_right_by_itself_or_by_its_parent() -> None:
    masks, found = named(SOURCE, SOURCE, SOURCE), torch.tensor([DOG, ANIMAL, CAR])
    assert right_names(SOURCE, VOCABULARY) == {DOG}
    assert parent_hits(masks, found, VOCABULARY).tolist() == [False, True, False]


def test_hits_are_exact_or_parents() -> None:
    benchmark = Benchmark(named(SOURCE, SOURCE), cast(ExpertsClassifier, None), torch.zeros(4, 1), VOCABULARY)
    scores = torch.tensor([[3.0, 0.0, 0.0, 0.0], [1.0, 1.1, 0.0, 0.0]])
    abstention = Abstention(name=0.6, group=0.5, power=1.0)
    exact, either, parents = benchmark.hits({"appearance": scores, "own": scores}, "own", abstention)
    assert exact.tolist() == [True, False]
    assert either.tolist() == [True, True]
    assert parents.tolist() == [False, True]
    assert benchmark.hits({"appearance": scores}, "appearance", None)[1].tolist() == [True, False]


def test_a_part_has_the_masks_of_its_rows() -> None:
    part = named(3, 4, 5).part([2, 0])
    assert part.sources == (5, 3)
    assert part.masks.local[:, 0].tolist() == [2, 0]


def test_class_heads_without_a_class_keep_the_logits_of_the_others() -> None:
    heads = tiny_class_heads("image", "audio")
    fewer = without(heads, NAMES[0])
    assert fewer.weights.names == NAMES[1:]
    assert torch.equal(fewer.vectors, heads.vectors[1:])
    projected, evidence = torch.rand(2, 4), torch.rand(2, 2)
    for modality, network in heads.weights.networks.items():
        expected = network(projected, evidence)[:, 1:]
        assert torch.allclose(fewer.weights.networks[modality](projected, evidence[:, 1:]), expected)
        assert torch.equal(head_without(network, [0, 1])(projected, evidence), network(projected, evidence))
