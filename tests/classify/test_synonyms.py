"""Synonyms stand for names of the default vocabulary."""

from __future__ import annotations

import pytest
import torch

from seac.classify.base import VocabularyClassifier
from seac.classify.find import encode_phrase
from seac.classify.synonyms import known_name, known_phrase, synonyms
from seac.classify.vocabulary import default_vocabulary
from seac.core.errors import InputError
from tests.fixtures.parts import ColourText, synthetic_model

NAMES = default_vocabulary().names


def test_every_word_stands_for_a_name_of_the_default_vocabulary() -> None:
    assert set(synonyms().values()) <= set(NAMES)
    assert not set(synonyms()) & set(NAMES)


def test_names_of_the_vocabulary_and_unknown_words_stay() -> None:
    assert all(known_name(name) == name for name in NAMES)
    assert known_name("tea kettle") == "tea kettle"


@pytest.mark.parametrize(
    ("phrase", "known"),
    [
        ("a barking doggy", "barking dog"),
        ("The Kitty", "cat"),
        ("bikes", "bikes"),
        ("somebody's mobile  phone", "mobile phone"),
        ("cell phone ringing", "mobile phone ringing"),
    ],
)
def test_phrases_are_replaced_word_by_word(phrase: str, known: str) -> None:
    assert known_phrase(phrase) == known


def test_a_synonym_has_the_embedding_of_its_name() -> None:
    asked: list[object] = []

    class Text(ColourText):
        def means(self, groups: object) -> torch.Tensor:
            asked.append(groups)
            return super().means(groups)

    classifier = VocabularyClassifier(("kitty", "red"), Text(), synthetic_model().stages.classifier)
    assert classifier.classes.shape == (2, 3)
    (groups,) = asked
    assert all("cat" in sentence for sentence in groups[0])  # type: ignore[index]


@pytest.mark.parametrize("phrase", ["", "  ", "x" * 300, "a\x00b"])
def test_a_phrase_that_says_nothing_is_refused_in_one_line(phrase: str) -> None:
    with pytest.raises(InputError, match="--find") as refused:
        encode_phrase(phrase, NAMES, NAMES, ColourText())
    assert "\n" not in str(refused.value)


def test_a_phrase_is_near_its_own_name() -> None:
    phrase = encode_phrase("the red one", ("red", "green"), ("red", "green"), ColourText())
    assert phrase.text == "the red one"
    assert phrase.names[0] > 0.99
    assert phrase.names[0] > phrase.names[1]
    assert phrase.audio_names[0] > 0.99 > 0.1 > phrase.audio_names[1]
