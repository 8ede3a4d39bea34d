"""``decision.json``: options are read back; whatever else it holds is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.results.decide import DecideOptions
from seac.results.decision_file import NAME, DecisionRecord, read_decision
from tests.results.test_store import JSON

RECORDS = st.builds(
    DecisionRecord,
    threshold=st.none() | st.floats(0, 1),
    mute=st.lists(st.integers(0, 99)).map(tuple),
    solo=st.lists(st.integers(0, 99)).map(tuple),
    rename=st.dictionaries(st.integers(0, 99), st.just("kettle")),
    min_duration=st.floats(0, 60),
    max_gap=st.floats(0, 60),
    vocabulary=st.none() | st.just(("dog", "cat")),
    find=st.none() | st.just("a dog"),
    add=st.lists(st.integers(0, 99)).map(tuple),
    colours=st.dictionaries(st.integers(0, 99), st.tuples(*[st.integers(0, 255)] * 3)),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("decision")


@settings(max_examples=30)
@given(record=RECORDS)
def test_it_is_read_back(folder: Path, record: DecisionRecord) -> None:
    record.write(folder)
    assert read_decision(folder) == record
    assert record.options().mute == frozenset(record.mute)


def test_without_a_file_the_defaults_count(tmp_path: Path) -> None:
    assert read_decision(tmp_path).options() == DecideOptions()


@settings(max_examples=100)
@given(data=st.data())
def test_whatever_it_holds_is_options_or_one_line(folder: Path, data: st.DataObject) -> None:
    content = json.loads(DecisionRecord().model_dump_json())
    content[data.draw(st.sampled_from([*content, "other"]))] = data.draw(JSON)
    text = json.dumps(data.draw(st.just(content) | JSON))
    (folder / NAME).write_text(text[: data.draw(st.integers(0, len(text)) | st.just(len(text)))])
    try:
        read_decision(folder).options()
    except InputError as error:
        assert "\n" not in str(error)


def test_deep_nesting_is_one_line(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("[" * 100_000)
    with pytest.raises(InputError, match="run seac decide again"):
        read_decision(tmp_path)
