"""``seac data check`` finds and counts faults and sets its exit code."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from seac.cli.app import DONE, USAGE, run
from seac.datasets.check import check
from seac.datasets.table import open_benchmark
from tests.datasets.conftest import (
    COMPOSITES,
    make_ms3,
    make_s4,
    make_vggss,
    square,
    write_audio,
    write_image,
)


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    record: dict[str, object] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return record


@pytest.mark.parametrize("name", [*COMPOSITES, "vggss-extended"])
def test_composites_are_clean(composites: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = composites / COMPOSITES.get(name, "vggss")
    assert run(["data", "check", name, str(folder), "--deep", "--json"]) == DONE
    record = last_line(capsys)
    assert record["clean"] is True
    assert record["benchmark"] == name


def test_every_fault_is_found_counted_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_s4(tmp_path / "s4")
    table = root / "s4_meta_data.csv"
    table.write_text(table.read_text() + "MKC9LvRivTM_30000,0,dog,test\ngone,0,dog,test\n")
    clip = open_benchmark("s4", root, strict=False).clips[0]
    masks = [path for path in clip.truth if path is not None]
    clip.frames[0].write_bytes(clip.frames[0].read_bytes()[:200])  # a good header, then nothing
    write_image(masks[1], square(side=8))
    masks[2].unlink()
    masks[3].write_bytes(b"")
    write_image(masks[4], square(0))
    write_audio(clip.audio, level=0)
    out = tmp_path / "out/found.csv"
    assert run(["data", "check", "s4", str(root), "--deep", "--json", "--out", str(out)]) == USAGE
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "1 duplicate" in captured.err
    splits = json.loads(captured.out.strip().splitlines()[-1])["splits"]
    assert splits["test"] == {
        "clips": 3, "frames": 15, "masks": 15, "audio": 3,
        "missing": 12, "broken": 2, "size": 1, "duplicate": 1,
        "box outside": 0, "empty truth": 1, "silent": 1,
    }  # fmt: skip
    assert splits["train"]["missing"] == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert len(rows) == 18
    assert {row["kind"] for row in rows} == {
        "missing",
        "broken",
        "size",
        "duplicate",
        "empty truth",
        "silent",
    }
    assert str(masks[2]) in {row["file"] for row in rows}
    assert [path.name for path in out.parent.iterdir()] == ["found.csv"]


def test_headers_alone_find_missing_files_and_sizes(tmp_path: Path) -> None:
    root = make_ms3(tmp_path)
    clip = open_benchmark("ms3", root).clips[0]
    assert clip.truth[0] is not None
    write_image(clip.truth[0], square(side=8))
    clip.frames[4].unlink()
    health = check(open_benchmark("ms3", root, strict=False))
    assert [finding.kind for finding in health.findings] == ["size", "missing"]


def test_boxes_outside_and_empty_truth_are_no_faults(tmp_path: Path) -> None:
    entries: list[dict[str, object]] = [{"file": "a", "class": "x", "bbox": [[-2.9e16] * 4]}]
    make_vggss(tmp_path, entries)
    health = check(open_benchmark("vggss", tmp_path), deep=True)
    assert not health.faults
    assert {finding.kind for finding in health.findings} == {"box outside", "empty truth"}


def test_one_split_can_be_checked_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_s4(tmp_path)
    assert run(["data", "check", "s4", str(tmp_path), "--split", "train", "--json"]) == DONE
    record = last_line(capsys)
    assert isinstance(record["splits"], dict)
    assert list(record["splits"]) == ["train"]
    assert record["splits"]["train"]["silent"] is None  # not known from headers


def test_a_wrong_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", "s4", str(tmp_path)]) == USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unwritable_path_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_s4(tmp_path / "s4")
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "found.csv"
    assert run(["data", "check", "s4", str(tmp_path / "s4"), "--out", str(out)]) == USAGE
    assert "cannot write" in capsys.readouterr().err
