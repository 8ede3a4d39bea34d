"""Folders of evaluations are read as they were written; damaged ones are refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.evaluation.run_folder import read_run
from tests.fixtures.evaluations import make_evaluation, write_run

ROWS = {
    "ours": [{"iou": 0.5, "confidence": -3.0}, {"iou": 1.0}, {}],
    "whole image, |": [{"iou": 0.1}, {"iou": 0.25}, {"iou": 0.0}],
}
NAMES = ("scores.json", "per_clip.csv")


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_run(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = make_evaluation(ROWS, ids=["a", 'b "quoted", and more', "ü|silence"])
    found = read_run(write_run(written, tmp_path / "run"))
    assert [m.name for m in found.methods] == list(ROWS)
    assert [m.clips for m in found.methods] == [m.clips for m in written.methods]
    assert dict(found.settings) == dict(written.settings)
    assert found.methods[0].protocols["official"]["miou"] == 0.5
    assert (
        found.methods[0].protocols["official"]["fscore"] != found.methods[0].protocols["official"]["fscore"]
    )


def test_other_folders_are_refused(tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "evaluate again" in refused(tmp_path / "empty")
    folder = write_run(make_evaluation(ROWS), tmp_path / "run")
    (folder / "per_clip.csv").unlink()
    assert "per_clip.csv" in refused(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.500000", "1.500000", "iou is '1.500000'"),
        ("0.500000", "nan", "iou is 'nan'"),
        ("right", "left", "error type 'left'"),
        ("clip1,", "clip0,", "twice"),
        ("clip1,", ",", "no id"),
        ("clip0.wav", "clip0.wav,more", "fields"),
        ("method,id", "method,name", "not a table"),
        ("ours,clip0", "theirs,clip0", "different evaluations"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = write_run(make_evaluation(ROWS), tmp_path / "run")
    file = folder / "per_clip.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert message in refused(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "seac scores 9"},
        {"n": 0},
        {"n": 4},
        {"n": "3"},
        {"methods": {}},
        {"methods": {"ours": {"official": {"miou": "high"}}}},
        {"settings": []},
        {"benchmark": None},
    ],
)
def test_a_damaged_record_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    folder = write_run(make_evaluation(ROWS), tmp_path / "run")
    file = folder / "scores.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | change), encoding="utf-8")
    refused(folder)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(NAMES),
    start=st.integers(0, 2000),
    length=st.integers(0, 60),
    inserted=st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [b'"', b",", b"\n", b"\0", b"{" * 3000, b"[" * 100_000, b"NaN", b"1e999", b"-", b"\xff"]
        ),
    ),
)
def test_damaged_files_give_an_evaluation_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, name: str, start: int, length: int, inserted: bytes
) -> None:
    folder = write_run(make_evaluation(ROWS), tmp_path_factory.mktemp("runs") / "run")
    whole = (folder / name).read_bytes()
    at = start % (len(whole) + 1)
    (folder / name).write_bytes(whole[:at] + inserted + whole[at + length :])
    try:
        read_run(folder)
    except InputError as error:
        assert "\n" not in str(error)
