"""The table of sound sources: classes of encoders, recordings and photographs all lead to its rows."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recipes.sounding.frames import UNKNOWN
from recipes.sounding.sources import audible_sources, photograph_sources, recording_sources, source_of
from seac.classify.vocabulary import default_vocabulary
from seac.encoders.labels.descriptions import audioset_names, imagenet_names
from seac.encoders.labels.sound_sources import (
    expand,
    group_matrix,
    group_names,
    membership,
    sound_sources,
    source_names,
)

SOURCES = sound_sources()
INDEX = {name: number for number, name in enumerate(source_names())}


def test_names_are_unique() -> None:
    assert not [name for name, count in Counter(source_names()).items() if count > 1]


def test_every_source_has_a_class() -> None:
    for source in SOURCES:
        assert source.image_classes or source.audio_classes or source.photograph_classes, source.name


@pytest.mark.parametrize(
    ("field", "count"), [("image_classes", len(imagenet_names())), ("audio_classes", len(audioset_names()))]
)
def test_classes_exist_and_are_listed_once_in_a_row(field: str, count: int) -> None:
    for source in SOURCES:
        classes = getattr(source, field)
        assert len(set(classes)) == len(classes), source.name
        assert all(0 <= number < count for number in classes), source.name


def test_a_photograph_class_belongs_to_one_source() -> None:
    counts = Counter(name for source in SOURCES for name in source.photograph_classes)
    assert not [name for name, count in counts.items() if count > 1]
    for source in SOURCES:
        assert all(source_of(name) == INDEX[source.name] for name in source.photograph_classes)


def test_classes_of_photographs_are_found_by_name() -> None:
    assert source_of("dog") == INDEX["dog"]
    assert source_of("crowd") == INDEX["crowd of people"]
    assert source_of("no such thing") == source_of(None) == UNKNOWN
    assert set(photograph_sources().values()) == set(INDEX.values())


def test_every_class_of_recordings_has_known_sources() -> None:
    table = recording_sources()
    assert all(0 <= source < len(SOURCES) for sources in table.values() for source in sources)
    assert sum(map(bool, table.values())) > 0.9 * len(table)


def test_sources_of_a_clip_are_those_of_all_of_its_classes() -> None:
    first, second = [name for name, sources in recording_sources().items() if sources][:2]
    both = audible_sources((first, f"~{second}"))
    assert both.shape == (len(SOURCES),)
    assert torch.equal(both, audible_sources((first,)) | audible_sources((second,)))
    assert not audible_sources(("noise",)).any()


def test_every_source_is_in_one_group() -> None:
    matrix = group_matrix()
    assert matrix.shape == (len(SOURCES), len(group_names()))
    assert torch.equal(matrix.sum(1), torch.ones(len(SOURCES)))
    assert bool((matrix.sum(0) > 0).all())
    assert group_names()[int(matrix[INDEX["violin"]].argmax())] == SOURCES[INDEX["violin"]].group


def test_most_sources_are_in_the_default_vocabulary() -> None:
    shared = set(source_names()) & set(default_vocabulary().names)
    assert len(shared) > 0.7 * len(SOURCES)


@pytest.mark.parametrize("labels", [imagenet_names(), audioset_names()], ids=["ImageNet", "AudioSet"])
def test_membership_has_the_classes_of_each_source(labels: tuple[str, ...]) -> None:
    matrix = membership(labels)
    assert matrix is not None
    assert matrix.shape == (len(labels), len(SOURCES))
    field = "image_classes" if labels == imagenet_names() else "audio_classes"
    for column, source in zip(matrix.T, SOURCES, strict=True):
        assert column.nonzero()[:, 0].tolist() == sorted(getattr(source, field))
        assert set(column.tolist()) <= {0.0, 1.0}


def test_membership_of_named_classes() -> None:
    image, audio = membership(imagenet_names()), membership(audioset_names())
    assert image is not None
    assert audio is not None
    assert image[imagenet_names().index("beagle"), INDEX["dog"]] == 1
    assert audio[audioset_names().index("Bark"), INDEX["dog"]] == 1
    assert audio[audioset_names().index("Bark"), INDEX["cat"]] == 0


def test_other_labels_have_no_membership() -> None:
    assert membership(("dog", "cat")) is None


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 20)), min_size=1, max_size=5))
def test_ranges_expand_to_their_numbers(ranges: list[tuple[int, int]]) -> None:
    text = ",".join(f"{first}-{first + more}" if more else str(first) for first, more in ranges)
    assert expand(text) == tuple(
        number for first, more in ranges for number in range(first, first + more + 1)
    )
    assert expand("-") == ()
