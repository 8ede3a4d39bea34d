"""``seac decide`` and ``seac export`` as a user meets them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import seac
import seac.jobs.decide
import seac.jobs.segment
from seac.cli import app
from seac.cli.decide import parse_renames, parse_tracks
from seac.core.errors import InputError
from seac.core.ownership import RECORD
from seac.export.exporter import EXPORTERS
from seac.presets.load import Assembly
from seac.results.schema import STORE_FILES
from tests.fixtures.parts import ColourText, squares, synthetic_model, tone, write_video

TURNS = np.concatenate([tone("red", 1.5), tone("blue", 1.5), tone("silence", 1)])
QUICK = "timeline,csv,events-json"


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result folder of a video, in which red sounds, then blue, then nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seac.jobs.segment, "load", lambda preset, **options: synthetic_model())
        folder = tmp_path_factory.mktemp("segmented")
        video = write_video(folder / "film.mp4", [squares()] * 40, TURNS)
        words = ["segment", str(video), "-o", str(folder / "out"), "--fps", "2"]
        assert app.run([*words, "--export", f"overlay,{QUICK}"]) == 0
    return folder


@pytest.fixture
def folder(segmented: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the result folder, with networks that cannot be loaded."""

    def loaded(*words: object, **options: object) -> None:
        pytest.fail("a network was loaded")

    monkeypatch.setattr(Assembly, "part", loaded)
    monkeypatch.setattr(Assembly, "model", loaded)
    return Path(shutil.copytree(segmented / "out", tmp_path / "out"))


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = app.run([str(word) for word in words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def decided(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, list[list[float]]]:
    """Spans of each name after ``seac decide`` with these words."""
    code, out, err = run(capsys, "decide", *words, "--json")
    assert code == 0, err
    assert " s" in err.splitlines()[-1]
    summary = json.loads(out.splitlines()[-1])
    return {track["name"]: track["spans"] for track in summary["tracks"]}


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    code, _, err = run(capsys, *words)
    assert code == 2, err
    (line,) = (line for line in err.splitlines() if line.startswith("error: "))
    return line


def number_of(folder: Path, name: str) -> int:
    """The track of a name in ``events.csv``."""
    with (folder / "events.csv").open(encoding="utf-8") as file:
        return next(int(row["track"]) for row in csv.DictReader(file) if row["name"] == name)


def colours(path: Path, second: float) -> tuple[int, int]:
    """Red and blue of the right half of a frame, above those of the left half."""
    with av.open(str(path)) as video:
        for frame in video.decode(video=0):
            if frame.time is not None and frame.time >= second - 1e-3:
                image = frame.to_ndarray(format="rgb24").astype(int)
                return int(image[..., 0].max()), int(image[..., 2].max())
    raise AssertionError(second)


class TestDecide:
    def test_the_same_again(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        before = (folder / "events.csv").read_bytes()
        found = decided(capsys, folder)
        assert set(found) == {"red", "blue"}
        assert found["red"][0][0] < 0.3
        assert abs(found["red"][-1][1] - found["blue"][0][0]) <= 0.6
        assert found["blue"][-1][1] <= 3.2
        assert (folder / "events.csv").read_bytes() == before

    def test_mute_solo_and_new_names(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        red, blue = number_of(folder, "red"), number_of(folder, "blue")
        assert set(decided(capsys, folder, "--mute", red)) == {"blue"}
        assert "red" not in (folder / "events.csv").read_text()
        assert set(decided(capsys, folder, "--solo", f"{red}, {blue}")) == {"red", "blue"}
        found = decided(capsys, folder, "--solo", red, "--rename", f"{red}=tea kettle")
        assert set(found) == {"tea kettle"}
        assert "tea kettle" in (folder / "events.csv").read_text()

    def test_threshold_and_duration(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        assert len(decided(capsys, folder, "--threshold", 0)) > 2
        assert decided(capsys, folder, "--min-duration", 3) == {}

    def test_the_overlay_shows_it(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        with av.open(str(folder / "overlay.mp4")) as before:
            frames = before.streams.video[0].frames
        first = (folder / "overlay.mp4").read_bytes()
        decided(capsys, folder, "--mute", number_of(folder, "red"))
        assert (folder / "overlay.mp4").read_bytes() != first
        with av.open(str(folder / "overlay.mp4")) as after:
            assert after.streams.video[0].frames == frames == 40

    def test_known_words_need_no_network(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        found = decided(capsys, folder, "--vocabulary", "green,blue")
        assert "blue" in found
        assert set(found) <= {"green", "blue"}

    def test_new_words_need_the_text_encoder_only(
        self, capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def part(self: Assembly, kind: str) -> ColourText:
            assert kind == "text"
            return ColourText()

        monkeypatch.setattr(Assembly, "part", part)
        found = decided(capsys, folder, "--vocabulary", "red lamp,blue lamp")
        assert set(found) == {"red lamp", "blue lamp"}

    def test_what_a_phrase_finds(
        self, capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Assembly, "part", lambda self, kind: ColourText())
        before, found = decided(capsys, folder), decided(capsys, folder, "--find", "a red square")
        length = {
            name: [sum(stop - start for start, stop in spans.get(name, ())) for spans in (before, found)]
            for name in ("red", "blue")
        }
        assert length["red"][1] > 0.8 * length["red"][0]
        assert length["blue"][1] < 0.7 * length["blue"][0]
        assert "--find is empty" in refused(capsys, "decide", folder, "--find", " ")

    def test_only_files_of_seac_are_replaced(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        stored = {name: (folder / name).read_bytes() for name in STORE_FILES}
        (folder / "notes.txt").write_text("mine")
        decided(capsys, folder, "--threshold", 0.4, "--export", "srt")
        assert (folder / "events.srt").exists()
        assert (folder / "notes.txt").read_text() == "mine"
        assert {name: (folder / name).read_bytes() for name in STORE_FILES} == stored
        (folder / "timeline.png").write_text("mended by hand")
        assert "timeline.png" in refused(capsys, "decide", folder)
        assert (folder / "timeline.png").read_text() == "mended by hand"

    def test_a_decided_clip_of_a_folder_stays_finished(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(seac.jobs.segment, "load", lambda preset, **options: synthetic_model())
        (tmp_path / "in").mkdir()
        write_video(tmp_path / "in/a.mp4", [squares()] * 10, tone("red", 1))
        words = ("segment", tmp_path / "in", "-o", tmp_path / "results", "--export", QUICK)
        assert run(capsys, *words)[0] == 0
        assert decided(capsys, tmp_path / "results/a", "--threshold", 1) == {}
        assert "finished before" in run(capsys, *words)[2]
        (tmp_path / "results/a" / STORE_FILES[0]).unlink()
        assert "finished before" not in run(capsys, *words)[2]


class TestSource:
    def test_a_video_that_has_moved(
        self, capsys: pytest.CaptureFixture[str], folder: Path, segmented: Path, tmp_path: Path
    ) -> None:
        moved = tmp_path / "moved.mp4"
        (segmented / "film.mp4").rename(moved)
        try:
            assert "give its present place with --source FILE" in refused(capsys, "decide", folder)
            assert "no such file" in refused(capsys, "decide", folder, "--source", tmp_path / "none.mp4")
            assert set(decided(capsys, folder, "--source", moved)) == {"red", "blue"}
            assert run(capsys, "export", folder, "--format", "csv,vtt", "-o", tmp_path / "events")[0] == 0
        finally:
            moved.rename(segmented / "film.mp4")


class TestExport:
    def test_every_format(self, capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path) -> None:
        for name in EXPORTERS:
            out = tmp_path / "formats" / name
            code, _, err = run(capsys, "export", folder, "--format", name, "-o", out)
            assert code == 0, (name, err)
            assert [path for path in out.rglob("*") if path.is_file() and path.name != RECORD], name

    def test_it_shows_the_last_decision(
        self, capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
    ) -> None:
        red = number_of(folder, "red")
        decided(capsys, folder, "--rename", f"{red}=kettle", "--solo", red)
        assert run(capsys, "export", folder, "--format", "coco", "-o", tmp_path / "coco")[0] == 0
        record = json.loads((tmp_path / "coco/coco/annotations.json").read_text())
        assert [category["name"] for category in record["categories"]] == ["kettle"]

    def test_masks_of_key_frames(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        assert run(capsys, "export", folder, "--format", "masks")[0] == 0
        assert len(list((folder / "masks").iterdir())) == len(seac.open_result(folder))
        first = np.asarray(Image.open(folder / "masks/000000.png"))
        assert set(np.unique(first)) == {0, number_of(folder, "red") % 255 + 1}
        assert np.asarray(Image.open(sorted((folder / "masks").iterdir())[-1])).max() == 0

    def test_unknown_formats(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        line = refused(capsys, "export", folder, "--format", "coco,cvat-vidio")
        assert "did you mean 'cvat-video'?" in line
        assert "yolo-seg" in line
        assert "seac segment with --export json" in refused(capsys, "export", folder, "--format", "json")


class TestRefusals:
    def test_no_result(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert "no such folder" in refused(capsys, "decide", tmp_path / "none")
        assert "holds no result" in refused(capsys, "export", tmp_path, "--format", "csv")

    @pytest.mark.parametrize(
        "words",
        [
            ("--mute", "99"),
            ("--mute", "dog"),
            ("--solo", "1,-2"),
            ("--rename", "2"),
            ("--rename", "x=dog"),
            ("--rename", "1= "),
            ("--threshold", "2"),
            ("--min-duration", "-1"),
            ("--max-gap", "nan"),
            ("--vocabulary", "a,,b"),
            ("--export", "gif"),
        ],
    )
    def test_options_that_cannot_be(
        self, capsys: pytest.CaptureFixture[str], folder: Path, words: tuple[str, str]
    ) -> None:
        refused(capsys, "decide", folder, *words)

    def test_a_damaged_decision(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        (folder / "decision.json").write_text("{")
        assert "decision.json" in refused(capsys, "export", folder, "--format", "csv")


def test_lists_of_tracks_and_names() -> None:
    assert parse_tracks("--mute", " 3, 1,3,") == (1, 3)
    assert parse_renames(["2=tea  kettle", " 3 =a=b"]) == {2: "tea kettle", 3: "a=b"}
    with pytest.raises(InputError, match="twice"):
        parse_renames(["1=a", "1=b"])
