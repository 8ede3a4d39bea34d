"""``seac calibrate`` on the command line, and the effect of its file on a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import seac.jobs.calibrate
from seac.cli import app
from seac.core.atomic import TEMPORARY_SUFFIX
from seac.core.errors import InputError
from seac.decision import calibration_file
from seac.decision.calibration import Calibration
from seac.presets.load import calibrated
from tests.fixtures import benchmarks
from tests.fixtures.parts import synthetic_model


@pytest.fixture(autouse=True)
def synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seac.jobs.calibrate, "load_model", lambda preset, **options: synthetic_model())


def refused(capsys: pytest.CaptureFixture[str], *given: object) -> str:
    assert app.run(["calibrate", *map(str, given)]) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    return line


def validation(folder: Path, count: int) -> Path:
    """A synthetic benchmark whose test clips, which the command refuses, are moved to another split."""
    benchmarks.s4(folder, count)
    table = folder / "s4_meta_data.csv"
    table.write_text(table.read_text().replace(",test", ",val"))
    for part in ("visual_frames", "gt_masks", "audio_wav"):
        (folder / "s4_data" / part / "test").rename(folder / "s4_data" / part / "val")
    return folder


def test_it_writes_a_file_that_a_model_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = validation(tmp_path / "s4", 18), tmp_path / "run" / "own.json"
    assert app.run(["calibrate", "s4", str(folder), "-o", str(out), "--json"]) == 0
    message = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert message["figures"]["best mask covers it"] == 1
    assert message["figures"]["miou visible"] > 0.9
    held = calibration_file.read(out)
    assert held == Calibration(**message["constants"])
    assert calibrated(None, file=out) == held
    assert calibrated(0.25, file=out).threshold == 0.25
    assert calibrated(0.25, file=out).slope == held.slope
    assert not list(out.parent.glob("*.tmp"))
    assert not list(out.parent.glob(f"*{TEMPORARY_SUFFIX}"))
    output = json.loads(out.read_text())["made_of"]
    assert output["benchmark"] == "s4"
    assert output["split"] == "val"


def test_invalid_input_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = benchmarks.s4(tmp_path / "s4", 6)
    assert "-o FILE" in refused(capsys, "s4", folder)
    assert "test split" in refused(capsys, "s4", folder, "-o", tmp_path / "a.json", "--split", "test")
    assert "val" in refused(capsys, "s4", folder, "-o", tmp_path / "a.json", "--split", "val")
    assert "unknown benchmark" in refused(capsys, "s5", folder, "-o", tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("split", ["test", "all"])
def test_constants_are_never_chosen_on_a_test_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], split: str
) -> None:
    folder, out = benchmarks.s4(tmp_path / "s4", 18), tmp_path / "a.json"
    assert "never chosen on a test split" in refused(capsys, "s4", folder, "-o", out, "--split", split)
    assert not out.exists()


@pytest.mark.parametrize("benchmark", ["vggss", "vggss-extended", "flickr-soundnet"])
def test_nor_on_a_benchmark_that_is_all_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], benchmark: str
) -> None:
    line = refused(capsys, benchmark, tmp_path, "-o", tmp_path / "a.json")
    assert f"{benchmark} has only a test split" in line
    assert "give s4" in line


@pytest.mark.parametrize("option", ["--top-n", "--limit"])
@pytest.mark.parametrize("value", [0, -3])
def test_numbers_are_at_least_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: int
) -> None:
    line = refused(capsys, "s4", tmp_path, "-o", tmp_path / "a.json", option, value)
    assert f"{option} is {value}: give at least 1" in line


@pytest.mark.parametrize("out", ["file/a.json", "file/further/a.json", "folder", f"{'a' * 254}.json"])
def test_a_path_that_takes_no_file_is_refused_before_a_frame_is_predicted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(
        seac.jobs.calibrate, "collect_samples", lambda *given: pytest.fail("a frame was predicted")
    )
    line = refused(capsys, "s4", validation(tmp_path / "s4", 3), "-o", tmp_path / out)
    assert "cannot write to" in line or "is a folder" in line


def test_a_path_that_is_lost_on_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to .*file"):
        calibration_file.write(Calibration(), tmp_path / "file" / "a.json", {})


def test_too_few_clips_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_benchmark = seac.jobs.calibrate.open_benchmark
    monkeypatch.setattr(
        seac.jobs.calibrate,
        "open_benchmark",
        lambda name, folder, split: open_benchmark(name, folder, "test"),
    )
    line = refused(capsys, "s4", benchmarks.s4(tmp_path / "s4", 3), "-o", tmp_path / "a.json")
    assert "too few" in line
    assert not (tmp_path / "a.json").exists()


def test_a_calibration_lies_beside_its_association(tmp_path: Path) -> None:
    weights = tmp_path / "association.safetensors"
    weights.touch()
    assert calibration_file.beside(tmp_path) is None
    calibration_file.write(Calibration(slope=3.0), tmp_path / calibration_file.NAME, {})
    assert (
        calibration_file.beside(tmp_path)
        == calibration_file.beside(weights)
        == tmp_path / calibration_file.NAME
    )
    assert calibration_file.read(tmp_path / calibration_file.NAME).slope == 3.0


def test_a_file_holds_numbers_only(tmp_path: Path) -> None:
    """Noise is decided by the sounding head of a model, not by its calibration file."""
    path = tmp_path / "own.json"
    calibration_file.write(Calibration(slope=3.0, noise_gate=False), path, {})
    assert "noise_gate" not in json.loads(path.read_text())["constants"]
    assert calibration_file.read(path) == Calibration(slope=3.0)


@given(st.binary(max_size=80) | st.sampled_from([b"{}", b"[]", b'{"format": "seac calibration 1"}', b"NaN"]))
def test_an_invalid_file_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("c") / "own.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="seac calibrate"):
        calibration_file.read(path)


@pytest.mark.parametrize("value", [None, "1", float("nan"), True])
def test_constants_are_finite_numbers(tmp_path: Path, value: object) -> None:
    path = tmp_path / "own.json"
    calibration_file.write(Calibration(), path, {})
    output = json.loads(path.read_text())
    output["constants"]["slope"] = value
    path.write_text(json.dumps(output))
    with pytest.raises(InputError, match="own"):
        calibration_file.read(path)
