"""Abstaining to a parent where the class is unsure and its group is sure."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.classify.base import ClassScorers, VocabularyClassifier
from seac.classify.parents import (
    UNNAMED,
    Abstention,
    Parents,
    evidence_shares,
    group_by_name,
    parent_names,
)
from seac.classify.vocabulary import default_vocabulary
from tests.fixtures.parts import ColourText

NAMES = ("dog", "cat", "duck", "car", "animal")
ABSTENTION = Abstention(name=0.5, group=0.8, power=1.0)
DOG, _, DUCK, CAR, ANIMAL = range(5)


def scores(*likelihoods: float) -> torch.Tensor:
    """Scores of one mask, as of the experts."""
    return torch.log1p(torch.tensor([likelihoods]) / 0.05)


def choose(*likelihoods: float) -> int:
    """The name that appearance alone gives."""
    return int(Parents.of(NAMES).choose(scores(*likelihoods), scores(*likelihoods), ABSTENTION))


def test_an_unsure_animal_is_an_animal_and_a_sure_one_has_its_name() -> None:
    assert choose(0.3, 0.3, 0.29, 0.0, 0.0) == ANIMAL
    assert choose(0.9, 0.1, 0.1, 0.0, 0.0) == DOG
    assert choose(0.3, 0.3, 0.3, 0.35, 0.0) == CAR  # unsure, and not of the group
    assert choose(0.31, 0.3, 0.0, 0.3, 0.0) == DOG  # neither is sure


def test_the_evidence_of_the_parent_itself_does_not_count() -> None:
    assert choose(0.9, 0.0, 0.0, 0.0, 5.0) == DOG
    values = scores(0.3, 0.3, 0.31, 0.0, 9.0)
    assert int(Parents.of(NAMES).choose(values, values, None)) == DUCK


def test_the_group_is_that_of_the_appearance() -> None:
    """A dog that hears an engine and looks like some animal may be called an animal, never a vehicle."""
    parents = Parents.of((*NAMES, "bus", "vehicle"))
    looks, with_audio = scores(0.3, 0.3, 0.3, 0.1, 0, 0.1, 0), scores(0.3, 0.3, 0.3, 0.35, 0, 0.34, 0)
    assert int(parents.choose(with_audio, looks, Abstention(0.5, 0.5, 1.0))) == CAR
    assert int(parents.choose(looks, looks, Abstention(0.5, 0.5, 1.0))) == ANIMAL


def test_a_parent_needs_its_name_and_two_members() -> None:
    assert len(Parents.of(("dog", "cat", "car")).columns) == 0
    assert len(Parents.of(("dog", "animal", "car")).columns) == 0
    assert Parents.of(("dog", "cat", "Animal")).columns.tolist() == [2]
    assert Parents.of(("door", "glass", "object")).ordinary.tolist() == [0, 1, 2]


def test_the_default_vocabulary_has_a_parent_for_every_group_that_says_something() -> None:
    names = default_vocabulary().names
    parents = Parents.of(names)
    assert {names[column] for column in parents.columns.tolist()} == set(parent_names())
    assert not set(parent_names().values()) & UNNAMED
    assert (parents.members.sum(0) >= 2).all()
    assert parents.members.sum(1).max() == 1
    assert not parents.members[parents.columns].any()
    assert group_by_name()["donkey"] == "animal"
    assert group_by_name()["whistle"] == "object"


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.floats(0, 1), st.floats(0, 1))
def test_without_abstention_or_with_none_needed_the_best_name_is_chosen(
    likelihoods: list[float], name: float, group: float
) -> None:
    values = scores(*likelihoods, 0.0)
    best = int(values[:, :4].argmax(1))
    parents = Parents.of(NAMES)
    assert int(parents.choose(values, values, None)) == best
    assert int(parents.choose(values, values, Abstention(name, group, 1.0))) in (best, ANIMAL)
    assert int(parents.choose(values, values, Abstention(0.0, group, 1.0))) == best


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.sampled_from([0.5, 1.0, 2.0]))
def test_shares_add_up_to_one_and_a_name_without_evidence_has_none(
    likelihoods: list[float], power: float
) -> None:
    shares = evidence_shares(scores(*likelihoods), torch.arange(4), power)
    assert shares[0, 4] == 0
    assert float(shares.sum()) == pytest.approx(1, abs=1e-4) or not any(x > 1e-4 for x in likelihoods[:4])


def test_no_masks_have_no_names() -> None:
    assert Parents.of(NAMES).choose(torch.zeros(0, 5), torch.zeros(0, 5), ABSTENTION).tolist() == []


@pytest.mark.parametrize(("abstention", "count"), [(None, 0), (ABSTENTION, 1)])
def test_a_vocabulary_has_parents_if_its_classifier_names_them(
    abstention: Abstention | None, count: int
) -> None:
    class Scorer:
        def scorers_for(self, classes: torch.Tensor) -> ClassScorers:
            return ClassScorers(
                lambda masks: torch.zeros(len(masks), len(classes)),
                lambda audio: torch.zeros(len(classes)),
                abstention,
            )

    assert len(VocabularyClassifier(NAMES, ColourText(), Scorer()).parents.columns) == count
