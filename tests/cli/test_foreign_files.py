"""No command replaces or removes a file that seac did not write; each says so before its work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seac.jobs.calibrate
import seac.jobs.evaluate
import seac.jobs.extract
import seac.jobs.segment
from seac.cli import app
from seac.core.errors import InputError
from seac.core.ownership import RECORD
from seac.features.writer import StoreWriter
from tests.fixtures import benchmarks
from tests.fixtures.pairs import PROVENANCE
from tests.fixtures.parts import squares, synthetic_model, tone, write_video, write_wav

FILES = ("--export", "overlay,masks,json,timeline")


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seac.jobs.segment, "load", lambda preset, **options: synthetic_model())
    monkeypatch.setattr(seac.jobs.evaluate, "load_model", lambda preset, **options: synthetic_model())


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", [squares()] * 10, tone("red", 1))


@pytest.fixture
def no_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(*words: object, **options: object) -> None:
        pytest.fail("networks were loaded")

    for module, name in (
        (seac.jobs.segment, "load"),
        (seac.jobs.evaluate, "load_model"),
        (seac.jobs.calibrate, "load_model"),
        (seac.jobs.extract, "load_frozen"),
    ):
        monkeypatch.setattr(module, name, loaded)


def done(*words: object) -> None:
    assert app.run([str(word) for word in words]) == 0


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert app.run([str(word) for word in words]) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    return line


def snapshot(folder: Path) -> dict[str, object]:
    return {
        str(path.relative_to(folder)): path.readlink()
        if path.is_symlink()
        else path.is_dir() or path.read_bytes()
        for path in folder.rglob("*")
    }


class TestSegment:
    def test_the_same_twice(self, video: Path, tmp_path: Path) -> None:
        for frames in (2, 1):
            done("segment", video, "-o", tmp_path / "out", "--fps", frames, *FILES)
        assert [path.name for path in (tmp_path / "out/masks").iterdir()] == ["000000.png"]

    @pytest.mark.usefixtures("no_networks")
    @pytest.mark.parametrize(
        "name",
        [
            *("masks/ground_truth.png", "masks/000000.png", "result.json", "timeline.png", "overlay.mp4/x"),
            *("store/mine.txt", "store/manifest.json", "decision.json"),
        ],
    )
    def test_others_files_beside_the_clip(
        self, video: Path, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        path = video.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a week's work")
        before = snapshot(video.parent)
        assert name.split("/")[0] in refused(capsys, "segment", video, "-o", video.parent, *FILES)
        assert snapshot(video.parent) == before

    @pytest.mark.usefixtures("no_networks")
    def test_its_own_input(
        self, video: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own = video.rename(video.with_name("overlay.mp4"))
        before = own.read_bytes()
        assert "overlay.mp4" in refused(capsys, "segment", own, "-o", own.parent)
        monkeypatch.chdir(own.parent)
        assert "overlay.mp4" in refused(capsys, "segment", "overlay.mp4", "-o", ".")
        (own.parent / "other.mp4").symlink_to(own)
        assert "other.mp4" in refused(capsys, "segment", "other.mp4", "-o", ".")
        assert own.read_bytes() == before

    def test_an_input_that_seac_wrote(
        self, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        done("segment", video, "-o", out, *FILES)
        before = snapshot(out)
        assert "overlay.mp4" in refused(capsys, "segment", out / "overlay.mp4", "-o", out, *FILES)
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        picture = out / "masks/000000.png"
        assert "masks" in refused(capsys, "segment", picture, "--audio", sound, "-o", out, *FILES)
        assert snapshot(out) == before

    @pytest.mark.usefixtures("no_networks")
    def test_a_sound_named_like_a_result(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        Image.fromarray(squares()).save(tmp_path / "a.png")
        sound = write_wav(tmp_path / "timeline.png", tone("red", 1))
        words = ("segment", tmp_path / "a.png", "--audio", sound, "-o", tmp_path)
        assert "timeline.png" in refused(capsys, *words)

    @pytest.mark.usefixtures("no_networks")
    @pytest.mark.parametrize("name", ["masks", "result.json"])
    def test_links(self, video: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
        (video.parent / "disk").mkdir()
        (video.parent / "disk/keep.txt").write_text("keep")
        (video.parent / name).symlink_to("disk")
        before = snapshot(video.parent)
        assert name in refused(capsys, "segment", video, "-o", video.parent, *FILES)
        assert snapshot(video.parent) == before

    @staticmethod
    def make_earlier(out: Path) -> None:
        """What is left is what a version without stores wrote, without its record."""
        shutil.rmtree(out / "store")
        (out / "decision.json").unlink()
        (out / RECORD).unlink()

    def test_a_folder_of_an_earlier_version(
        self, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        done("segment", video, "-o", out, "--export", "overlay,masks,json,timeline,sheet", "--fps", 2)
        self.make_earlier(out)
        write_video(out / "overlay.mp4", [squares()] * 2, tone("red", 1), fps=2)  # at the rate of the results
        (out / "masks/ground_truth.png").write_text("mine")
        done("segment", video, "-o", out, "--fps", 1, *FILES)
        assert {path.name for path in (out / "masks").iterdir()} == {"000000.png", "ground_truth.png"}
        done("segment", video, "-o", out, "--export", "sheet")
        self.make_earlier(out)
        Image.fromarray(np.zeros((96, 160), np.uint8)).save(out / "masks/000000.png")
        write_video(out / "overlay.mp4", [squares()] * 10, tone("red", 1))
        for export in ("masks", "overlay"):
            assert export in refused(capsys, "segment", video, "-o", out, "--export", export)

    def test_a_folder_whose_record_has_names_only(self, video: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        done("segment", video, "-o", out, *FILES)
        self.make_earlier(out)
        names = [path.name for path in out.iterdir()]
        (out / RECORD).write_text(json.dumps({"made_of": {}, "files": names}))
        done("segment", video, "-o", out, "--export", "json")
        done("segment", video, "-o", out, *FILES)

    def test_a_refused_clip_leaves_nothing(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)).save(
            tmp_path / "a.jpg"
        )
        (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:9000])
        sound = write_wav(tmp_path / "a.wav", tone("red", 1))
        before = snapshot(tmp_path)
        refused(capsys, "segment", tmp_path / "a.jpg", "--audio", sound, "-o", tmp_path / "new/out")
        assert snapshot(tmp_path) == before


class TestSegmentFolder:
    @pytest.fixture
    def clips(self, tmp_path: Path) -> Path:
        (tmp_path / "in").mkdir()
        for name in ("a", "b"):
            write_video(tmp_path / f"in/{name}.mp4", [squares()] * 10, tone("red", 1))
        return tmp_path / "in"

    def test_the_other_clips_are_done(
        self, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "out/a/masks").mkdir(parents=True)
        (tmp_path / "out/a/masks/mine.png").write_text("mine")
        before = snapshot(tmp_path / "out/a")
        line = refused(capsys, "segment", clips, "-o", tmp_path / "out", *FILES)
        assert "1 of 2" in line
        assert "a/masks" in line
        assert (tmp_path / "out/b/result.json").exists()
        assert snapshot(tmp_path / "out/a") == before

    def test_again_does_not_replace_what_was_changed(
        self, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        done("segment", clips, "-o", tmp_path / "out", *FILES)
        done("segment", clips, "-o", tmp_path / "out", "--again", *FILES)
        (tmp_path / "out/a/masks/000000.png").write_text("mended by hand")
        done("segment", clips, "-o", tmp_path / "out", *FILES)  # it is finished, and left as it is
        assert "a/masks/000000.png" in refused(
            capsys, "segment", clips, "-o", tmp_path / "out", "--again", *FILES
        )
        assert (tmp_path / "out/a/masks/000000.png").read_text() == "mended by hand"

    @pytest.mark.usefixtures("no_networks")
    def test_nothing_is_loaded_where_every_clip_is_refused(
        self, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "out").mkdir()
        for name in ("a", "b"):
            (tmp_path / "out" / name).write_text("a file")
        refused(capsys, "segment", clips, "-o", tmp_path / "out", *FILES)

    def test_inputs_where_a_clips_results_would_go(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "a").mkdir()
        for name in ("a", "overlay"):
            write_video(tmp_path / f"a/{name}.mp4", [squares()] * 10, tone("red", 1))
        before = (tmp_path / "a/overlay.mp4").read_bytes()
        assert "overlay.mp4" in refused(capsys, "segment", tmp_path / "a", "-o", tmp_path, *FILES)
        assert (tmp_path / "a/overlay.mp4").read_bytes() == before


class TestEvaluate:
    def test_the_same_twice_and_again(self, tmp_path: Path) -> None:
        folder, out = benchmarks.s4(tmp_path / "s4", 2), tmp_path / "out"
        done("evaluate", "s4", folder, "-o", out)
        (out / "predictions/tiny/notes.txt").write_text("mine")
        done("evaluate", "s4", folder, "-o", out)
        done("evaluate", "s4", folder, "-o", out, "--again")
        assert (out / "predictions/tiny/notes.txt").read_text() == "mine"
        (out / RECORD).unlink()  # an earlier version kept none
        done("evaluate", "s4", folder, "-o", out)

    @pytest.mark.usefixtures("no_networks")
    @pytest.mark.parametrize(
        "name", ["report.html", "per_clip.csv", "plots/mine.png", "gallery/mine.jpg", "predictions/mine.npz"]
    )
    @pytest.mark.parametrize("option", ["--again", "--exact"])
    def test_others_files(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, option: str
    ) -> None:
        folder, out = benchmarks.s4(tmp_path / "s4", 1), tmp_path / "out"
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text("mine")
        before = snapshot(out)
        assert name.split("/")[0] in refused(capsys, "evaluate", "s4", folder, "-o", out, option)
        assert snapshot(out) == before

    @pytest.mark.usefixtures("no_networks")
    @pytest.mark.parametrize("name", ["plots", "predictions"])
    def test_links(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
        folder, out = benchmarks.s4(tmp_path / "s4", 1), tmp_path / "out"
        (out / "disk").mkdir(parents=True)
        (out / "disk/settings.json").write_text("{}")
        (out / name).symlink_to("disk")
        before = snapshot(out)
        assert name in refused(capsys, "evaluate", "s4", folder, "-o", out, "--again")
        assert snapshot(out) == before

    def test_a_refused_run_leaves_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(preset: str, **options: object) -> None:
            raise InputError("no weights")

        monkeypatch.setattr(seac.jobs.evaluate, "load_model", refuse)
        refused(capsys, "evaluate", "s4", benchmarks.s4(tmp_path / "s4", 1), "-o", tmp_path / "new/out")
        assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("no_networks")
class TestSingleFiles:
    @pytest.mark.parametrize("text", ["mine", "{}", '{"format": "mine"}', "kind,split\n", "# Speed of\n"])
    @pytest.mark.parametrize("linked", [False, True])
    def test_of_others(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, linked: bool
    ) -> None:
        folder, path = benchmarks.s4(tmp_path / "s4", 1), tmp_path / "mine"
        path.write_text(text)
        given = path
        if linked:
            given = tmp_path / "link"
            given.symlink_to(path)
        for words in (
            ("calibrate", "s4", folder, "-o", given),
            ("data", "check", "s4", folder, "--out", given),
            ("profile", "-o", given),
        ):
            assert str(given) in refused(capsys, *words)
            assert path.read_text() == text

    def test_in_folders_that_are_not_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        refused(capsys, "calibrate", "s4", tmp_path / "none", "-o", tmp_path / "new" / "a.json")
        assert not (tmp_path / "new").exists()

    def test_findings_twice(self, tmp_path: Path) -> None:
        folder, path = benchmarks.s4(tmp_path / "s4", 1), tmp_path / "found.csv"
        codes = {app.run(["data", "check", "s4", str(folder), "--out", str(path)]) for _ in range(2)}
        assert len(codes) == 1
        assert path.read_text().startswith("kind,split,clip,file,line")


class TestStores:
    @pytest.mark.usefixtures("no_networks")
    @pytest.mark.parametrize(
        "name", ["manifest.json", "unreadable.csv", "shards/mine.parquet", "pending/mine.parquet"]
    )
    def test_others_files(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
        (tmp_path / "in").mkdir()
        write_video(tmp_path / "in/a.mp4", [squares()] * 10, tone("red", 1))
        path = tmp_path / "store" / name
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        before = snapshot(tmp_path / "store")
        refused(capsys, "extract", tmp_path / "in", tmp_path / "store")
        with pytest.raises(InputError):
            StoreWriter(tmp_path / "store", PROVENANCE)
        assert snapshot(tmp_path / "store") == before

    def test_what_is_beside_a_store_stays(self, tmp_path: Path) -> None:
        names = [".mine.part", "sub/.mine.7.part", ".lock"]
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("mine")
        (tmp_path / ".manifest.json.7.part").write_text("of a writer that was killed")
        StoreWriter(tmp_path, PROVENANCE).close()
        assert all((tmp_path / name).read_text() == "mine" for name in names)
        assert not (tmp_path / ".manifest.json.7.part").exists()
