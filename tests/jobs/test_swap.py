"""``seac evaluate swap`` on synthetic videos: coloured squares and the tone of one of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import seac.jobs.swap
from seac.cli import app
from seac.core.types import AudioFeatures, MaskEmbeddings
from tests.fixtures.parts import COLOURS, squares, synthetic_model, tone, write_video


@pytest.fixture(autouse=True)
def synthetic(monkeypatch):
    monkeypatch.setattr(seac.jobs.swap, "load_model", lambda spec, **options: synthetic_model(workers=1))


def square(name: str) -> np.ndarray:
    """An image with the square of one colour only."""
    image, channel = squares(), COLOURS.index(name)
    side = image.shape[1] // 5
    for number in range(3):
        if number != channel:
            left = side // 2 + number * (side + side // 2)
            image[:, left : left + side] = 90
    return image


def videos(folder: Path, names: tuple[str, ...] = COLOURS) -> Path:
    """A folder with a video for each colour: its square under its tone."""
    folder.mkdir(exist_ok=True)
    for name in names:
        write_video(folder / f"{name}.mp4", [square(name)] * 20, tone(name, 2.0))
    return folder


def run_cli(capsys, *given: object) -> tuple[int, str, str]:
    code = app.run([str(argument) for argument in ("evaluate", "swap", *given)])
    output = capsys.readouterr()
    return code, output.out, output.err


def figures(capsys, *given: object) -> dict:
    code, out, err = run_cli(capsys, *given, "--json")
    assert code == 0, err
    assert len(out.splitlines()) == 1
    return json.loads(out)


def refused(capsys, *given: object) -> str:
    code, out, err = run_cli(capsys, *given)
    assert code == 2, (code, out, err)
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    return err


class SameForAnyAudio:
    """An association that ignores the audio: every mask has the same similarity."""

    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        return torch.full((len(masks),), 0.95)

    def of_windows(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        return torch.full((len(audio.embeddings), len(masks)), 0.95)


class TestFigures:
    def test_a_model_that_follows_the_audio(self, capsys, tmp_path):
        found = figures(capsys, videos(tmp_path / "v"), "-o", tmp_path / "out")
        assert (found["n"], found["frames"]) == (3, 6)
        other, silence = found["another clip"], found["silence"]
        assert other["auroc"] == other["auroc_low"] == other["paired"] == 1
        assert (other["own_frames"], other["other_frames"], other["area_ratio"]) == (1, 0, 0)
        assert (silence["auroc"], silence["other_frames"]) == (1, 0)

    def test_a_model_that_ignores_the_audio(self, capsys, tmp_path, monkeypatch):
        model = synthetic_model(workers=1)
        object.__setattr__(model.stages, "association", SameForAnyAudio())
        monkeypatch.setattr(seac.jobs.swap, "load_model", lambda spec, **options: model)
        found = figures(capsys, videos(tmp_path / "v"), "-o", tmp_path / "out")
        other = found["another clip"]
        assert other["auroc"] == other["paired"] == 0.5
        assert other["area_ratio"] == other["kept"] == other["iou"] == 1
        assert found["silence"]["other_frames"] == 0  # silence is inactive for any association

    def test_two_runs_and_the_files_agree(self, capsys, tmp_path):
        folder = videos(tmp_path / "v")
        found = figures(capsys, folder, "-o", tmp_path / "out", "--others", 2, "--seed", 5)
        again = figures(capsys, folder, "-o", tmp_path / "out", "--others", 2, "--seed", 5)
        stored = json.loads((tmp_path / "out/swap.json").read_text())
        assert {**found, "seconds": 0} == {**again, "seconds": 0} == {**stored, "seconds": 0}
        assert found["settings"]["others"] == 2
        rows = list(csv.DictReader((tmp_path / "out/swap.csv").open()))
        assert [row["clip"] for row in rows[::2]] == ["blue.mp4", "green.mp4", "red.mp4"]
        assert {row["audio"] for row in rows[1::2]} == {"silence"}
        assert set(rows[0]["audio"].split("; ")) == {"green.mp4", "red.mp4"}
        assert all(row["frames"] == "2" for row in rows)

    def test_nothing_active_at_all_has_no_ratio(self, capsys, tmp_path):
        found = figures(capsys, videos(tmp_path / "v"), "-o", tmp_path / "out", "--fps", 2)
        assert found["frames"] == 12
        assert found["settings"]["fps"] == 2
        assert found["another clip"]["iou"] == 0
        for name in COLOURS:
            write_video(tmp_path / f"v/{name}.mp4", [squares()] * 10, tone("silence", 1.0))
        found = figures(capsys, tmp_path / "v", "-o", tmp_path / "out")
        assert found["another clip"]["area_ratio"] is None
        assert found["another clip"]["auroc"] == 0.5

    def test_only_the_first_clips(self, capsys, tmp_path):
        found = figures(capsys, videos(tmp_path / "v"), "-o", tmp_path / "out", "--limit", 2)
        assert found["n"] == 2


class TestFilesThatAreLeftOut:
    def test_a_video_without_audio_and_a_damaged_one_are_noted(self, capsys, tmp_path):
        folder = videos(tmp_path / "v")
        write_video(folder / "mute.mp4", [squares()] * 5, None)
        (folder / "broken.mp4").write_bytes(b"no video")
        found = figures(capsys, folder, "-o", tmp_path / "out")
        assert found["n"] == 3
        assert len(found["notes"]) == 2
        assert "broken.mp4" in found["notes"][0]
        assert "mute.mp4: this video has no audio" in found["notes"][1]

    def test_a_truncated_video_counts_as_far_as_it_goes(self, capsys, tmp_path, monkeypatch):
        folder = videos(tmp_path / "v")
        compared = seac.jobs.swap.compare

        def stops(model, source, others, fps):
            for frame in compared(model, source, others, fps):
                yield frame
                if source.image.name == "blue.mp4":
                    raise seac.jobs.swap.InputError(f"{source.image}: video cannot be decoded")

        monkeypatch.setattr(seac.jobs.swap, "compare", stops)
        found = figures(capsys, folder, "-o", tmp_path / "out")
        assert (found["n"], found["frames"]) == (3, 5)
        assert found["notes"][0].startswith("blue.mp4: 1 frames were compared; ")


class TestWrongArguments:
    def test_each_is_one_line(self, capsys, tmp_path):
        folder, out = videos(tmp_path / "v"), ("-o", tmp_path / "out")
        (tmp_path / "empty").mkdir()
        assert "nowhere: is no folder" in refused(capsys, tmp_path / "nowhere", *out)
        assert "holds no video" in refused(capsys, tmp_path / "empty", *out)
        assert "3 videos with audio; give at least 4" in refused(capsys, folder, *out, "--others", 3)
        assert "--others is 0" in refused(capsys, folder, *out, "--others", 0)
        assert "fps is 0" in refused(capsys, folder, *out, "--fps", 0)
        assert "--threshold is 2" in refused(capsys, folder, *out, "--threshold", 2)
        for option in ("--baselines", "--drop-overlap", "--allow-missing", "--again"):
            assert option in refused(capsys, folder, *out, option)
        for option in ("--predictions", "--train-list", "--exclude", "--protocol", "--split"):
            assert f"{option} needs a benchmark with labels" in refused(capsys, folder, *out, option, "val")
        assert not (tmp_path / "out").exists()

    def test_one_video_alone_is_refused(self, capsys, tmp_path):
        folder = videos(tmp_path / "v", ("red",))
        write_video(folder / "mute.mp4", [squares()] * 5, None)
        line = refused(capsys, folder, "-o", tmp_path / "out")
        assert "holds one video with audio (1 left out:" in line
        assert line.endswith("give at least two\n")

    def test_a_file_of_another_origin_is_not_replaced(self, capsys, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out/swap.csv").write_text("mine")
        assert "swap.csv" in refused(capsys, videos(tmp_path / "v"), "-o", tmp_path / "out")
        assert (tmp_path / "out/swap.csv").read_text() == "mine"

    def test_options_of_swap_do_not_go_with_a_benchmark(self, capsys, tmp_path):
        for option in ("--fps", "--others"):
            assert app.run(["evaluate", "s4", str(tmp_path), option, "2"]) == 2
            assert f"{option} belongs to swap" in capsys.readouterr().err

    def test_a_mistyped_name_is_told_the_names(self, capsys, tmp_path):
        assert app.run(["evaluate", "swop", str(tmp_path)]) == 2
        assert "swap" in capsys.readouterr().err
