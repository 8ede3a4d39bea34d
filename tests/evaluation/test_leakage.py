"""Overlap with training lists in all supported formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seac.core.errors import InputError
from seac.datasets.clip import Clip
from seac.datasets.layout import parse_video_id
from seac.evaluation.leakage import overlap, read_ids, unnamed, without
from seac.evaluation.robustness import MARK, VARIANTS

IDS = ("M1P1xla8rg0_000000", "MKC9LvRivTM_000030", "---g-f_I2yQ_000001", "french_horn_0016")


def clip(name: str) -> Clip:
    return Clip(name, parse_video_id(name.split("+")[0]), "test", None, (Path("f"),), Path("s"))


CLIPS = tuple(map(clip, IDS))

SAME = {
    "ids": "M1P1xla8rg0_000000\nMKC9LvRivTM_000050\n",
    "bom and windows": "\ufeffM1P1xla8rg0_000000\r\n\r\nMKC9LvRivTM_000050\r\n",
    "vggsound": 'M1P1xla8rg0,0,"dog, barking",train\nMKC9LvRivTM,50,cat,train\n---g-f_I2yQ,1,x,test\n',
    "id and label": "M1P1xla8rg0_000000,dog\nMKC9LvRivTM_000050,cat\n",
    "header": "split,label,name\ntrain,d,M1P1xla8rg0_000000\ntrain,x,MKC9LvRivTM_000050\nval,x,---g-f_I2yQ_1",
    "comment": "# of the 144k\nM1P1xla8rg0_000000\nMKC9LvRivTM_000050",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_every_way_to_write_a_list_gives_the_same_overlap(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode())
    found = overlap(CLIPS, read_ids(path, split="train"))
    assert (found.listed, found.dropped) == (2, 0)
    assert found.by_clip == IDS[:1]
    assert found.by_video == IDS[:2]


def test_a_start_beside_a_name_that_has_its_own_times_is_not_added(tmp_path: Path) -> None:
    path = tmp_path / "s4_meta_data.csv"
    path.write_text(
        "name,start,category,split\nMKC9LvRivTM_000030,30,dog,train\nfrench_horn_0016,0,x,train\n"
    )
    assert read_ids(path, split="train").clips == {"MKC9LvRivTM_000030", "french_horn_0016"}


def test_without_a_split_every_row_counts(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(SAME["vggsound"])
    assert overlap(CLIPS, read_ids(path)).by_clip == (IDS[0], IDS[2])


def test_a_list_of_videos_overlaps_by_video_only(tmp_path: Path) -> None:
    path = tmp_path / "videos.txt"
    path.write_text("MKC9LvRivTM\n")
    found = overlap(CLIPS, read_ids(path))
    assert (found.by_clip, found.by_video) == ((), (IDS[1],))


def test_a_pair_overlaps_if_either_half_does(tmp_path: Path) -> None:
    pair = clip("french_horn_0016+M1P1xla8rg0_000000")
    path = tmp_path / "list.txt"
    path.write_text("M1P1xla8rg0_000000\n")
    assert overlap((pair,), read_ids(path)).by_clip == (pair.id,)


def test_names_similar_to_youtube_ids_are_their_own_video() -> None:
    assert [parse_video_id(name) for name in (*IDS, "M1P1xla8rg0_0_10000", "M1P1xla8rg0", "x")] == [
        "M1P1xla8rg0",
        "MKC9LvRivTM",
        "---g-f_I2yQ",
        "french_horn_0016",
        "M1P1xla8rg0",
        "M1P1xla8rg0",
        "x",
    ]


def test_dropping_keeps_the_order_of_the_others() -> None:
    assert [left.id for left in without(CLIPS, (IDS[1], "unknown"))] == [IDS[0], IDS[2], IDS[3]]
    assert without(CLIPS, ()) == CLIPS


TWO_OF_A_VIDEO = tuple(map(clip, ("MKC9LvRivTM_000030", "MKC9LvRivTM_000090", "x+MKC9LvRivTM_000030", "y")))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("MKC9LvRivTM_000030\n", ["MKC9LvRivTM_000090", "y"]),
        ("MKC9LvRivTM,30,dog,train\n", ["MKC9LvRivTM_000090", "y"]),
        ("MKC9LvRivTM\n", ["y"]),
        ("MKC9LvRivTM_000010\n", [one.id for one in TWO_OF_A_VIDEO]),
    ],
)
def test_a_clip_is_named_by_its_id_and_all_of_a_video_by_the_videos(
    tmp_path: Path, text: str, kept: list[str]
) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    assert [one.id for one in unnamed(TWO_OF_A_VIDEO, read_ids(path))] == kept


def test_variants_of_a_clip_count_once_and_go_together(tmp_path: Path) -> None:
    variants = tuple(replace(one, id=f"{one.id}{MARK}{name}") for one in CLIPS for name in VARIANTS)
    path = tmp_path / "list.txt"
    path.write_text("M1P1xla8rg0_000000\nMKC9LvRivTM_000050\n")
    listed = read_ids(path)
    found = overlap(variants, listed)
    assert found == overlap(CLIPS, listed)
    assert without(variants, found.by_video) == variants[2 * len(VARIANTS) :]
    assert unnamed(variants, listed) == variants[len(VARIANTS) :]


def test_a_mark_in_a_name_makes_no_variant(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("a|b\n")
    assert overlap((clip("a|b"), clip("a|c"), clip("a")), read_ids(path)).by_clip == ("a|b",)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "name,split\n", "M1P1xla8rg0,0,dog,test\n"])
def test_a_list_without_ids_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(InputError, match="holds no ids"):
        read_ids(path, split="train")
