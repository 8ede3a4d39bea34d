"""``seac calibrate swap`` on synthetic videos without labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import seac.jobs.calibrate_swap as job
from seac.cli import app
from seac.decision import calibration_file
from tests.fixtures.parts import COLOURS, synthetic_model, tone, write_video
from tests.jobs.test_swap import square


@pytest.fixture(autouse=True)
def synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "load_model", lambda spec, **options: synthetic_model(workers=1))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine clips, three of each colour, its square under its tone."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(9):
        name = COLOURS[number % 3]
        write_video(folder / f"{number}.mp4", [square(name)] * 10, tone(name, 1.0))
    return folder


def run_cli(capsys: Any, *given: object) -> tuple[int, str, str]:
    code = app.run([str(argument) for argument in ("calibrate", *given)])
    output = capsys.readouterr()
    return code, output.out, output.err


def test_videos_without_labels_give_a_calibration(videos: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "own.json"
    code, line, err = run_cli(capsys, "swap", videos, "-o", out, "--json", "--others", 4)
    assert code == 0, err
    found = json.loads(line)
    assert found["figures"]["active under own"] == 1.0
    assert found["figures"]["active under other"] < 0.5
    constants = calibration_file.read(out)
    assert constants.threshold == found["constants"]["threshold"]
    assert constants.margin == synthetic_model().stages.calibration.margin
    record = json.loads(out.read_text())["made_of"]
    assert (record["benchmark"], record["labels"], record["clips"]) == ("swap", "none", 9)


def test_mistakes_are_answered_in_one_line(videos: Path, tmp_path: Path, capsys: Any) -> None:
    for given, message in (
        (("swap", videos), "give -o FILE"),
        (("swap", tmp_path / "none", "-o", tmp_path / "a.json"), "is no folder"),
        (("swap", videos, "-o", tmp_path / "a.json", "--limit", 5), "give at least 8"),
        (("swap", videos, "-o", tmp_path / "a.json", "--fps", 0), "fps"),
        (("s4", videos, "-o", tmp_path / "a.json", "--others", 2), "belongs to swap"),
    ):
        code, _, err = run_cli(capsys, *given)
        assert code == 2
        assert message in err
        assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "a.json").exists()
