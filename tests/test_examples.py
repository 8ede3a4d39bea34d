"""The scripts under examples/, run."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seac.cli import app
from tests.fixtures import benchmarks
from tests.fixtures.demo import excerpt

REPO = Path(__file__).resolve().parents[1]
SCRIPTS = sorted(path.name for path in (REPO / "examples").glob("*.py"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a script as ``__main__`` and returns what it prints; its commands run in this process, too."""

    def run_command(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[:3] == [sys.executable, "-m", "seac"]
        capsys.readouterr()
        assert app.run(command[3:]) == 0, capsys.readouterr().err
        return subprocess.CompletedProcess(command, 0, capsys.readouterr().out)

    def run_script(script: str, *arguments: object) -> str:
        monkeypatch.setattr(subprocess, "run", run_command)
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        runpy.run_path(str(REPO / "examples" / script), run_name="__main__")
        return capsys.readouterr().out

    return run_script


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a composite clip, in which the dog barks."""
    return excerpt(tmp_path_factory.mktemp("clip") / "clip.mp4", 0.5, 2)


def test_one_frame(run: Callable[..., str], clip: Path, tmp_path: Path) -> None:
    assert "dog" in run("one_frame.py", clip, tmp_path / "out")
    assert json.loads((tmp_path / "out/result.json").read_text())["frames"]


def test_video(run: Callable[..., str], clip: Path) -> None:
    assert "dog" in run("video.py", clip)


def test_any_vocabulary(run: Callable[..., str], clip: Path) -> None:
    assert run("any_vocabulary.py", "dog,bicycle", clip).startswith("dog: ")


def test_score_predictions(run: Callable[..., str], tmp_path: Path) -> None:
    folder = benchmarks.ms3(tmp_path / "ms3")
    truth = np.stack([benchmarks.make_mask("red") * (frame != 2) for frame in range(5)])
    (tmp_path / "theirs").mkdir()
    np.save(tmp_path / "theirs/v.npy", truth.astype(bool))
    printed = run("score_predictions.py", "ms3", folder, tmp_path / "theirs", tmp_path / "out")
    assert "official" in printed
    assert (tmp_path / "out/report.html").is_file()


def test_train_on_folder(run: Callable[..., str], tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    for number in range(3):
        excerpt(videos / f"{number}.mp4", 3.5 * number, 1)
    printed = run("train_on_folder.py", videos, tmp_path / "out", "epochs=1", "batch=2", "n_masks=20")
    assert "0 s:" in printed
    assert (tmp_path / "out/run/association.safetensors").is_file()


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_short_documented_and_public(script: str) -> None:
    text = (REPO / "examples" / script).read_text()
    assert len(text.splitlines()) <= 40
    assert text.startswith('"""')
    assert "from seac" not in text
    assert "import seac." not in text
    assert f"test_{script.removesuffix('.py')}(" in Path(__file__).read_text()
