"""Training pairs of folders and benchmarks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seac.core.errors import InputError
from seac.datasets.pairs.pair import ExcerptConfig, ImageAudioPair, VideoPair
from seac.datasets.pairs.table import (
    FORMATS,
    detect_format,
    exclude_pairs,
    find_pairs,
    pair_names,
    read_excluded,
)
from tests.fixtures.pairs import SyntheticPair
from tests.fixtures.parts import squares, tone, write_video, write_wav


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def ids(folder: Path, **options) -> list[str]:
    return [pair.id for pair in find_pairs(folder, **options)[1]]


def clip_folder(folder: Path, count: int, pattern: str, audio: str, seconds: int = 5) -> None:
    for number in range(count):
        path = folder / pattern.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (number * 20,) * 3).save(path)
    path = folder / audio
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, tone("red", seconds))


@pytest.fixture
def avss(tmp_path) -> Path:
    clip_folder(tmp_path, 10, "v2/vid_0_10/frames/{}.jpg", "v2/vid_0_10/audio.wav", 10)
    clip_folder(tmp_path, 5, "v1m/other/frames/{}.jpg", "v1m/other/audio.wav")
    rows = ["vid,uid,s_min,s_sec,a_obj,split,label", "vid,vid_0_10,0,0,dog,train,v2"]
    rows += ["other,other,0,0,cat_dog,train,v1m", "test,test,0,0,cat,test,v1s"]
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    (tmp_path / "label2idx.json").write_text(json.dumps({"background": 0, "dog": 1}))
    return tmp_path


class TestAVSBench:
    def test_ten_seconds_are_two_clips_of_five(self, avss):
        kind, pairs = find_pairs(avss)
        assert kind == "avss"
        assert [pair.id for pair in pairs] == ["avss/vid_0_10/0", "avss/vid_0_10/1", "avss/other"]
        halves = [pair.excerpt(ExcerptConfig()) for pair in pairs[:2]]
        assert [half.start for half in halves] == [0.0, 5.0]
        levels = [round(float(image.float().mean()) / 20) for half in halves for image in half.images]
        assert levels == list(range(10))
        assert [len(half.waveform) for half in halves] == [80_000, 80_000]

    def test_truth_files_may_be_missing(self, tmp_path):
        home = "s4_data/visual_frames/train/dog/dog_1"
        clip_folder(tmp_path, 6, home + "/dog_1_{}.png", "s4_data/audio_wav/train/dog/dog_1.wav")
        (tmp_path / "s4_meta_data.csv").write_text(
            "name,start,category,split\ndog_1,0,dog,train\ncat_1,0,cat,test\n"
        )
        kind, pairs = find_pairs(tmp_path)
        assert kind == "s4"
        assert [(pair.id, pair.label) for pair in pairs] == [("s4/dog_1", "dog")]
        assert len(pairs[0].excerpt(ExcerptConfig()).images) == 5

    def test_ms3_is_known_by_its_metadata(self, tmp_path):
        (tmp_path / "ms3_meta_data.csv").write_text("video_id,split\na,train\nb,test\n")
        assert ids(tmp_path) == ["ms3/a"]
        assert ids(tmp_path, split="all") == ["ms3/a", "ms3/b"]
        with pytest.raises(InputError, match="split"):
            ids(tmp_path, split="dev")


class TestVGGSound:
    def test_the_list_decides_and_missing_clips_stay_in_it(self, tmp_path):
        lines = ["abcdefghijk,30,dog barking,train", "ABCDEFGHIJK,5,cat,train", "testtesttes,0,cat,test"]
        (tmp_path / "vggsound.csv").write_text("\n".join(lines))
        touch(tmp_path, "videos/x.txt")
        video = write_video(tmp_path / "videos/abcdefghijk_000030.mp4", [squares()] * 60, tone("red", 6))
        kind, (existing, absent) = find_pairs(tmp_path)
        assert kind == "vggsound"
        assert existing == VideoPair("vggsound/abcdefghijk_000030", "abcdefghijk", "dog barking", video)
        assert len(existing.excerpt(ExcerptConfig()).images) == 5
        with pytest.raises(InputError, match="ABCDEFGHIJK_000005"):
            absent.excerpt(ExcerptConfig())

    def test_frames_with_audio_files_are_accepted(self, tmp_path):
        (tmp_path / "vggsound.csv").write_text("abcdefghijk,30,dog,train")
        touch(tmp_path, "frames/abcdefghijk_000030.jpg", "audio/abcdefghijk_000030.wav")
        assert isinstance(find_pairs(tmp_path)[1][0], ImageAudioPair)


class TestFolders:
    def test_videos_in_all_folders_but_hidden_ones(self, tmp_path):
        touch(tmp_path, "b.mp4", "a/c.webm", "a/b.MKV", ".cache/d.mp4", ".e.mp4", "notes.txt")
        assert ids(tmp_path) == ["videos/a/b.MKV", "videos/a/c.webm", "videos/b.mp4"]

    def test_images_are_paired_with_audio_of_the_same_name(self, tmp_path):
        touch(tmp_path, "a.jpg", "a.wav", "b.jpg", "c/a.png", "c/a.mp3", "d.wav")
        assert ids(tmp_path) == ["pairs/a", "pairs/c/a"]

    def test_a_list_of_images_and_audio_files(self, tmp_path):
        (tmp_path / "pairs.csv").write_text(
            "audio,image,label,id\nx/1.wav,y/2.jpg,dog,\nx/1.wav,3.jpg,,mine\n"
        )
        _, pairs = find_pairs(tmp_path)
        assert pairs[0] == ImageAudioPair(
            "pairs/y/2", "y/2", "dog", tmp_path / "y/2.jpg", tmp_path / "x/1.wav"
        )
        assert pairs[1].id == "pairs/mine"
        assert pairs[1].label is None
        assert ids(tmp_path / "pairs.csv") == ["pairs/y/2", "pairs/mine"]
        shutil.copy(tmp_path / "pairs.csv", tmp_path / "again.csv")
        with (tmp_path / "again.csv").open("a") as file:
            file.write("z.wav,4.jpg,,mine\n")
        with pytest.raises(InputError, match="'mine'"):
            find_pairs(tmp_path / "again.csv")

    def test_an_ambiguous_folder_is_refused(self, tmp_path):
        touch(tmp_path, "a.mp4", "b.jpg", "b.wav")
        with pytest.raises(InputError, match="--kind videos or --kind pairs"):
            find_pairs(tmp_path)
        assert ids(tmp_path, kind="videos") == ["videos/a.mp4"]
        assert ids(tmp_path, kind="pairs") == ["pairs/b"]
        touch(tmp_path, "metadata.csv", "pairs.csv")
        with pytest.raises(InputError, match="avss or pairs"):
            detect_format(tmp_path)

    @pytest.mark.parametrize("kind", ["auto", "videos", "pairs"])
    def test_a_folder_without_pairs_is_refused(self, tmp_path, kind):
        with pytest.raises(InputError, match="holds no"):
            find_pairs(tmp_path, kind)

    def test_unknown_formats_and_folders_are_refused(self, tmp_path):
        with pytest.raises(InputError, match="did you mean 'vggsound'"):
            find_pairs(tmp_path, "vggsounds")
        with pytest.raises(InputError, match="no such folder"):
            find_pairs(tmp_path / "none")

    def test_every_format_has_its_function(self):
        from importlib import import_module

        for kind in FORMATS.values():
            module, member = kind.pairs.split(":")
            assert callable(getattr(import_module(module), member))


class TestExclusion:
    def test_a_clip_is_excluded_by_its_id_or_its_video(self, avss, tmp_path):
        _, pairs = find_pairs(avss)

        def left(line: str) -> list[str]:
            (tmp_path / "out.txt").write_text(f"# leaked\n{line},why\n")
            return [pair.id for pair in exclude_pairs(pairs, read_excluded(tmp_path / "out.txt"))]

        assert left("vid") == ["avss/other"]
        assert left("vid_0_10") == ["avss/other"]
        assert left("vid_0_10/1") == ["avss/vid_0_10/0", "avss/other"]
        assert left("avss/vid_0_10/1") == ["avss/vid_0_10/0", "avss/other"]
        assert len(left("nobody")) == 3

    def test_an_empty_list_is_refused(self, tmp_path):
        (tmp_path / "out.txt").write_text("\n# nothing\n")
        with pytest.raises(InputError, match="names no clip"):
            read_excluded(tmp_path / "out.txt")

    @given(st.lists(st.integers(0, 30)), st.sets(st.integers(0, 30)))
    def test_only_listed_pairs_are_excluded(self, numbers, excluded):
        pairs = [SyntheticPair(number) for number in numbers]
        names = frozenset(SyntheticPair(number).id for number in excluded)
        assert [pair.number for pair in exclude_pairs(pairs, names)] == [
            n for n in numbers if n not in excluded
        ]
        assert all(pair.id in pair_names(pair) for pair in pairs)
