"""Errors of a benchmark on disk are reported in one line that names the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.datasets.csv_file import read_rows, read_table
from seac.datasets.flickr_soundnet import read_boxes
from seac.datasets.table import open_benchmark
from seac.datasets.vggsound import read_vggsound
from seac.datasets.vggss import read_annotations
from seac.evaluation.leakage import read_ids
from tests.datasets.conftest import (
    make_avss,
    make_flickr,
    make_ms3,
    make_s4,
    make_vggss,
    square,
    write_image,
)

ENTRY = {"file": "a", "class": "cat", "bbox": [[0, 0, 1, 1]]}


def error_line(call: Callable[[], object]) -> str:
    """The message of the :class:`InputError` that ``call`` raises; it is one line."""
    with pytest.raises(InputError) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_an_unknown_benchmark_names_the_nearest() -> None:
    assert "did you mean 'vggss-extended'" in error_line(lambda: open_benchmark("vggs-extended", Path()))


def test_a_parent_or_a_child_names_the_folder_of_the_metadata(tmp_path: Path) -> None:
    root = make_s4(tmp_path / "AVSBench/Single-source")
    assert f"but in {root}" in error_line(lambda: open_benchmark("s4", tmp_path))
    assert f"but in {root}" in error_line(lambda: open_benchmark("s4", root / "s4_data/gt_masks"))
    assert "no ms3_meta_data.csv" in error_line(lambda: open_benchmark("ms3", root))
    assert "no such folder" in error_line(lambda: open_benchmark("s4", tmp_path / "nowhere"))
    assert "is a file" in error_line(lambda: open_benchmark("s4", root / "s4_meta_data.csv"))


def test_a_missing_split_lists_the_existing_ones(tmp_path: Path) -> None:
    make_s4(tmp_path)
    assert "lists test, train" in error_line(lambda: open_benchmark("s4", tmp_path, "val"))
    assert "did you mean 'test'" in error_line(lambda: open_benchmark("s4", tmp_path, "tests"))


def test_duplicated_ids_are_named(tmp_path: Path) -> None:
    make_vggss(tmp_path, [ENTRY, ENTRY])
    assert "1 duplicated id: a;" in error_line(lambda: open_benchmark("vggss", tmp_path))
    assert len(open_benchmark("vggss", tmp_path, strict=False).clips) == 2


@pytest.mark.parametrize(
    ("entries", "output"),
    [
        ("{", "not JSON"),
        ({"file": "a"}, "must be a list"),
        ([3], "entry 0: must be"),
        ([{**ENTRY, "bbox": [[0, 0, 1]]}], r"entry 0 (a): box [0, 0, 1]"),
        ([{**ENTRY, "bbox": [[0, 0, 1, float("nan")]]}], "(a): box"),
        ([{**ENTRY, "bbox": [[0, 0, 1, 10**400]]}], "too large for a float"),
        ([{**ENTRY, "bbox": [[0, 0, 1, "1"]]}], "does not hold numbers"),
        ([{**ENTRY, "bbox": [[0, 0, 1, True]]}], "does not hold numbers"),
        ([{**ENTRY, "bbox": [[20, 30, 200, 220]]}], "in pixels?"),
        ([{**ENTRY, "bbox": None}], "no 'bbox'"),
        ([{**ENTRY, "class": 3}], "no 'class'"),
        ([{"class": "x", "bbox": []}], "no 'file'"),
        ([{**ENTRY, "file": "../../secret"}], "cannot be an id"),
        ([{**ENTRY, "file": ""}], "cannot be an id"),
        ([], "no clip"),
    ],
)
def test_a_malformed_entry_is_named(tmp_path: Path, entries: object, output: str) -> None:
    (tmp_path / "vggss.json").write_text(entries if isinstance(entries, str) else json.dumps(entries))
    assert output in error_line(lambda: open_benchmark("vggss", tmp_path))


@pytest.mark.parametrize(
    ("text", "output"),
    [
        (b"", "is empty"),
        (b"name,start,split\nx,0,test\n", "no column 'category'"),
        (b"name,start,category,split\nx,0,dog\n", "line 2: no split"),
        (b"name,start,category,split\n\n,0,dog,test\n", "line 3: no name"),
        (b"name,start,category,split\nx,0,dog,tset\n", "split of x is 'tset'; give train, val, test"),
        (b"name,start,category,split\n../x,0,dog,test\n", "cannot be an id"),
        (b"name,start,category,split\nx\0,0,dog,test\n", "cannot be an id"),
        (b"\xff\xfen\0a\0m\0e\0", "not UTF-8"),
        (b"name,start,category,split\nx,0," + b"d" * 200_000 + b",test\n", "not CSV"),
    ],
)
def test_a_malformed_table_is_refused_with_its_line(tmp_path: Path, text: bytes, output: str) -> None:
    (tmp_path / "s4_meta_data.csv").write_bytes(text)
    assert output in error_line(lambda: open_benchmark("s4", tmp_path))


def test_a_mask_of_another_size_than_its_image_is_refused(tmp_path: Path) -> None:
    reader = open_benchmark("ms3", make_ms3(tmp_path))
    clip = reader.clips[0]
    path = clip.truth[3]
    assert path is not None
    write_image(path, square(side=8))
    line = error_line(lambda: reader.truth(clip))
    assert f"{path}: 8 x 8 pixels" in line
    assert "16 x 16" in line


def test_broken_and_missing_files_are_named(tmp_path: Path) -> None:
    reader = open_benchmark("s4", make_s4(tmp_path))
    clip = reader.clips[0]
    mask = clip.truth[2]
    assert mask is not None
    mask.write_bytes(mask.read_bytes()[:50])
    assert str(mask) in error_line(lambda: reader.truth(clip))
    mask.unlink()
    assert f"{mask}: no such file" in error_line(lambda: reader.truth(clip))
    clip.frames[0].write_bytes(b"garbage")
    assert f"{clip.frames[0]}: not a readable image" in error_line(lambda: reader.image(clip, 0))
    for content in (b"", b"garbage", clip.audio.read_bytes()[:44]):
        clip.audio.write_bytes(content)
        assert str(clip.audio) in error_line(lambda: reader.waveform(clip))


def test_a_colour_outside_the_palette_is_named(tmp_path: Path) -> None:
    reader = open_benchmark("avss", make_avss(tmp_path, numbers=False))
    path = reader.clips[0].truth[1]
    assert path is not None
    write_image(path, np.full((16, 16, 3), (1, 2, 3), np.uint8))
    line = error_line(lambda: reader.truth(reader.clips[0]))
    assert f"{path}: colour (1, 2, 3)" in line


def test_a_class_number_outside_the_list_is_named(tmp_path: Path) -> None:
    reader = open_benchmark("avss", make_avss(tmp_path, numbers=True))
    path = reader.clips[0].truth[1]
    assert path is not None
    write_image(path, square(10))
    assert f"{path}: class 10" in error_line(lambda: reader.truth(reader.clips[0]))
    write_image(path)
    assert "3 channels" in error_line(lambda: reader.truth(reader.clips[0]))


def test_an_unknown_subset_of_avss_is_refused(tmp_path: Path) -> None:
    make_avss(tmp_path, numbers=True)
    path = tmp_path / "metadata.csv"
    path.write_text(path.read_text().replace("v1m", "v9"))
    assert "give v1s, v1m, v2" in error_line(lambda: open_benchmark("avss", tmp_path))


@pytest.mark.parametrize(
    "text",
    ["<a>", "", "<a/>", "<a><bbox><xmin>1</xmin></bbox></a>", "<?xml version='1.0' encoding='q'?><a/>"]
    + [
        f"<a><bbox><xmin>{x}</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax></bbox></a>"
        for x in ("x", "nan")
    ],
)
def test_a_malformed_annotation_of_flickr_is_named(tmp_path: Path, text: str) -> None:
    reader = open_benchmark("flickr-soundnet", make_flickr(tmp_path, {"1": [(0, 0, 9, 9)]}))
    (tmp_path / "annotations/1.xml").write_text(text)
    assert "1.xml: " in error_line(lambda: reader.truth(reader.clips[0]))


@pytest.mark.parametrize("row", ["a,b,c", "M1P1xla8rg0,x,dog,train", "M1P1xla8rg0,-3,dog,train", "x,1,dog"])
def test_a_malformed_row_of_vggsound_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    (tmp_path / "vggsound.csv").write_text(f"M1P1xla8rg0,0,dog,train\n{row}\n")
    assert "line 2" in error_line(lambda: open_benchmark("vggsound", tmp_path, "train"))


PARSERS: tuple[Callable[[Path], object], ...] = (
    lambda path: list(read_rows(path)),
    lambda path: read_table(path, ("name", "split")),
    read_annotations,
    read_boxes,
    read_vggsound,
    read_ids,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(("file", "class", "bbox", "x")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    content=st.binary(max_size=200)
    | st.text(alphabet='a,"\n\r\0 1[]{}<>/\\\ufeff#é', max_size=80).map(lambda text: text.encode())
    | JSON.map(lambda value: json.dumps([value]).encode())
)
@example(content=b'"\x00\n\x00')
def test_garbage_is_refused_and_never_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage"
    path.write_bytes(content)
    for parse in PARSERS:
        try:
            parse(path)
        except InputError as error:
            assert "\n" not in str(error)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vggss.json"
    path.write_text("[" * 100_000)
    assert "not JSON" in error_line(lambda: read_annotations(path))
