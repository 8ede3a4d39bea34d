"""The commands ``seac extract`` and ``seac store``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import seac.jobs.extract
from seac.cli import app
from seac.features import open_store
from seac.presets.spec import ModelSpec
from seac.presets.table import PRESETS
from tests.fixtures.pairs import model
from tests.fixtures.parts import squares, tone, write_video


def load_synthetic(spec: ModelSpec, *, device: str, **others: object):
    """Stands in for ``load_frozen``: made-up networks that see masks as the preset does."""
    assert set(others) == {"progress"}
    return model(**{"views": PRESETS[spec.preset].views, **spec.settings})


@pytest.fixture
def videos(tmp_path, monkeypatch) -> Path:
    """A folder of three files, one of which is no video."""
    monkeypatch.setattr(seac.jobs.extract, "load_frozen", load_synthetic)
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "one.mp4", [squares()] * 30, tone("red", 3))
    write_video(folder / "two.mp4", [squares()] * 60, tone("blue", 6))
    (folder / "zero.mp4").write_bytes(b"no video")
    return folder


def run_cli(capsys, *arguments: object) -> tuple[int, str, str]:
    code = app.run([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


def run_invalid(capsys, *arguments: object) -> str:
    """Run a command that must fail, and return its error message."""
    code, _, err = run_cli(capsys, *arguments)
    assert code == 2, err
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    return line


class TestExtract:
    def test_videos_become_a_store(self, capsys, videos, tmp_path):
        code, out, err = run_cli(capsys, "extract", videos, tmp_path / "s", "--json")
        assert code == 0
        last = json.loads(out.splitlines()[-1])
        assert (last["kind"], last["listed"], last["new"], last["unreadable"]) == ("videos", 3, 2, 1)
        assert last["frames"] == 3 + 5
        assert "clips/s" in err
        assert "unreadable.csv" in err
        unreadable = (tmp_path / "s/unreadable.csv").read_text()
        assert "videos/zero.mp4" in unreadable
        assert "not a readable media file" in unreadable
        assert open_store(tmp_path / "s").ids == ("videos/one.mp4", "videos/two.mp4")

    def test_a_second_run_extracts_no_clip_twice(self, capsys, videos, tmp_path):
        run_cli(capsys, "extract", videos, tmp_path / "s", "--limit", 1)
        assert len(open_store(tmp_path / "s")) == 1
        _, out, _ = run_cli(capsys, "extract", videos, tmp_path / "s", "--json")
        assert json.loads(out)["before"] == 1
        _, out, _ = run_cli(capsys, "extract", videos, tmp_path / "s", "--json")
        assert (json.loads(out)["before"], json.loads(out)["new"]) == (2, 0)

    def test_excluded_clips_are_left_out(self, capsys, videos, tmp_path):
        (tmp_path / "out.txt").write_text("two\nzero.mp4\n")
        code, *_ = run_cli(capsys, "extract", videos, tmp_path / "s", "--exclude", tmp_path / "out.txt")
        assert code == 0
        assert open_store(tmp_path / "s").ids == ("videos/one.mp4",)
        (tmp_path / "out.txt").write_text("one\ntwo\nzero\n")
        line = run_invalid(capsys, "extract", videos, tmp_path / "s", "--exclude", tmp_path / "out.txt")
        assert "no clip is left" in line

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--top-n", "2"), "top_n 50, not 2"),
            (("--seconds", "2"), "seconds 5.0, not 2.0"),
            (("--no-class-probabilities",), "class_probabilities true, not false"),
        ],
    )
    def test_settings_are_not_mixed(self, capsys, videos, tmp_path, options, message):
        run_cli(capsys, "extract", videos, tmp_path / "s")
        assert message in run_invalid(capsys, "extract", videos, tmp_path / "s", *options)
        assert run_cli(capsys, "extract", videos, tmp_path / "s", "--batch", 9)[0] == 0

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--workers", "0"), "--workers is 0"),
            (("--limit", "-3"), "--limit is -3"),
            (("--seconds", "0"), "--seconds is 0"),
            (("--seconds", "nan"), "--seconds is nan"),
            (("--fps", "0.1"), "--fps is 0.1"),
            (("--kind", "movie"), "unknown kind 'movie'"),
            (("--preset", "huge"), "unknown preset 'huge'"),
            (("--exclude", "nowhere.txt"), "nowhere.txt"),
        ],
    )
    def test_invalid_usage_is_refused_in_one_line(self, capsys, videos, tmp_path, options, message):
        assert message in run_invalid(capsys, "extract", videos, tmp_path / "s", *options)

    def test_a_folder_without_a_readable_clip_is_refused_at_the_end(self, capsys, videos, tmp_path):
        for name in ("one.mp4", "two.mp4"):
            (videos / name).unlink()
        assert "none of 1 clips" in run_invalid(capsys, "extract", videos, tmp_path / "s")
        assert "no such folder" in run_invalid(capsys, "extract", tmp_path / "none", tmp_path / "s")

    def test_frames_of_a_benchmark_are_not_resampled(self, capsys, tmp_path):
        (tmp_path / "ms3_meta_data.csv").write_text("video_id,split\na,train\n")
        assert "leave --seconds and --fps out" in run_invalid(
            capsys, "extract", tmp_path, tmp_path / "s", "--fps", 2
        )


class TestStore:
    def test_info_describes_the_content(self, capsys, videos, tmp_path):
        run_cli(capsys, "extract", videos, tmp_path / "s")
        code, out, _ = run_cli(capsys, "store", "info", tmp_path / "s", "--json")
        assert code == 0
        message = json.loads(out.splitlines()[-1])
        assert (message["clips"], message["frames"], message["masks"], message["unreadable"]) == (2, 8, 32, 1)
        assert message["provenance"]["audio"] == "synthetic audio encoder"
        assert "segmenter: synthetic segmenter" in out
        _, out, _ = run_cli(capsys, "store", "info", tmp_path / "s", "--ids")
        assert out.split() == ["videos/one.mp4", "videos/two.mp4"]

    def test_verify_accepts_an_intact_store_and_refuses_a_damaged_one(self, capsys, videos, tmp_path):
        run_cli(capsys, "extract", videos, tmp_path / "s")
        code, out, err = run_cli(capsys, "store", "verify", tmp_path / "s", "--deep", "--json")
        assert code == 0
        assert json.loads(out)["problems"] == []
        assert "2 clips, 8 frames" in err
        (shard,) = (tmp_path / "s").glob("shards/*.parquet")
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 255
        shard.write_bytes(content)
        line = run_invalid(capsys, "store", "verify", tmp_path / "s")
        assert shard.name in line
        assert "seac extract again" in line

    def test_compact_needs_a_feature_store(self, capsys, videos, tmp_path):
        run_cli(capsys, "extract", videos, tmp_path / "s")
        assert run_cli(capsys, "store", "compact", tmp_path / "s")[0] == 0
        assert "no feature store" in run_invalid(capsys, "store", "compact", tmp_path)
        assert "no feature store" in run_invalid(capsys, "store", "info", tmp_path)
