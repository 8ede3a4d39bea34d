"""Eq. 5 and the vocabulary."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac import InputError
from seac.classify.prompts import TEMPLATES, sentences
from seac.classify.semantic import classify_masks, semantic_mask
from seac.classify.vocabulary import default_vocabulary, parse


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=6, unique=True),
    st.integers(0, 100),
    st.floats(0, 1),
)
def test_each_pixel_has_the_class_of_its_most_similar_mask(scaled, seed, sigma):
    generator = torch.Generator().manual_seed(seed)
    values = torch.tensor(scaled)
    masks = torch.rand(len(values), 5, 6, generator=generator) > 0.5
    labels = torch.randint(0, 9, (len(values),), generator=generator)
    painted = semantic_mask(labels, values, masks, sigma)
    for row in range(5):
        for column in range(6):
            there = [n for n in range(len(values)) if masks[n, row, column]]
            best = max(there, key=lambda n: float(values[n]), default=None)
            expected = 0 if best is None or float(values[best]) <= sigma else int(labels[best]) + 1
            assert int(painted[row, column]) == expected


def test_background_is_0_and_classes_count_from_1():
    painted = semantic_mask(torch.tensor([0]), torch.tensor([1.0]), torch.eye(2, dtype=torch.bool)[None])
    assert painted.tolist() == [[1, 0], [0, 1]]


def test_a_mask_gets_the_nearest_class():
    named = classify_masks(torch.tensor([[0.1, 2.0], [3.0, 0.2]]), torch.eye(2))
    assert named.labels.tolist() == [1, 0]
    assert (named.scores <= 1).all()


def test_templates_contain_the_name_once():
    assert len(set(TEMPLATES)) == len(TEMPLATES) >= 20
    assert all(sentence.count("violin") == 1 for sentence in sentences("violin"))


def test_names_and_files_give_the_same_vocabulary(tmp_path):
    (tmp_path / "names.txt").write_text("\ufeffdog  # barks\r\n\r\n pipe   organ\r\n")
    assert parse(tmp_path / "names.txt") == parse("dog, pipe organ")


@pytest.mark.parametrize("given", ["", ",", "dog,,cat", "dog,Dog", "x" * 81, "a\x00b", "none.txt"])
def test_an_invalid_vocabulary_is_refused_in_one_line(given):
    with pytest.raises(InputError) as refused:
        parse(given)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_a_vocabulary_or_refused(text):
    try:
        names = parse(text).names
    except InputError:
        return
    assert all(name.strip() for name in names)


def test_the_default_vocabulary_has_no_name_twice():
    names = default_vocabulary().names
    assert len(names) == len(set(names)) > 100
