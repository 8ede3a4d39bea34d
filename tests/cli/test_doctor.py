"""``seac doctor``."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import PackagePath
from pathlib import Path

import pytest
import torch

from seac.cli import app
from seac.jobs import doctor
from seac.presets.table import PRESETS
from tests.fixtures.extras import needs

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEAC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEAC_WEIGHTS_DIR", raising=False)


def test_tiny_is_ready_wherever_seac_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    presets = {preset["preset"]: preset for preset in found["presets"]}
    assert set(presets) == set(PRESETS)
    assert presets["tiny"]["ready"]
    assert not presets["paper"]["ready"]
    assert "sam-vit-h" in presets["paper"]["missing"]
    assert presets["paper"]["to_fetch"] > 2_000_000_000
    assert found["devices"][0]["total"] > 0


def test_what_is_missing_comes_with_what_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "seac weights get sam-vit-h clip-rn50 vggish" in out
    assert "seac weights import PATH --name mdef-detr" in out
    assert "seac train STORE --out RUN" in out


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "installed", lambda name: "" if name == "open_clip_torch" else "1")
    found = {preset.preset: preset for preset in doctor.diagnose().presets}
    assert found["paper"].packages == ("open_clip_torch",)
    assert found["paper"].steps[0] == "pip install 'seac[paper]'"
    assert found["tiny"].ready


def test_extras_are_those_of_pyproject() -> None:
    page = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    declared = page["project"]["optional-dependencies"]
    assert set(doctor.EXTRAS) == set(declared) - {"dev"}
    for name, (_, names) in doctor.EXTRAS.items():
        lines = [line.replace("[", ">").split(">")[0].split("=")[0] for line in declared[name]]
        assert set(names) == set(lines)


def test_a_missing_extra_comes_with_what_needs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "installed", lambda name: "" if name == "onnxruntime" else "1")
    assert app.run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "lacks onnxruntime; for the saliency baseline" in out
    assert "pip install 'seac[baselines]'" in out
    assert "  train      installed" in out


class Distribution:
    def __init__(self, name: str, *rows: tuple[str, int]) -> None:
        self.metadata, self.files = {"Name": name}, []
        for path, size in rows:
            self.files.append(PackagePath(path))
            self.files[-1].size = size


def test_cuda_libraries_are_counted_where_no_gpu_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Distribution("torch", ("torch/lib/libtorch_cuda.so", 10**9), ("torch/lib/libtorch_cpu.so", 7))
    library = Distribution("nvidia-cublas", ("nvidia/cublas.so", 2 * 10**9))
    monkeypatch.setattr(doctor, "distributions", lambda: [library, Distribution("numpy", ("numpy/a.so", 5))])
    monkeypatch.setattr(doctor, "files", lambda name: own.files)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert doctor.unused_cuda_size() == 3 * 10**9
    assert app.run(["doctor"]) == 0
    assert "its CPU build saves 3.0 GB" in capsys.readouterr().out
    monkeypatch.setattr(torch.version, "cuda", None)
    assert doctor.unused_cuda_size() == 0


def test_cuda_libraries_are_of_use_where_a_gpu_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert doctor.unused_cuda_size() == 0


@needs("paper")
def test_weights_of_ones_own_make_a_preset_ready(tmp_path: Path) -> None:
    from seac.weights.table import records_for

    for row in records_for("modern"):
        for file in row.files:
            (tmp_path / row.name).mkdir(exist_ok=True)
            (tmp_path / row.name / file.name).write_bytes(b"x")
    found = {preset.preset: preset for preset in doctor.diagnose(tmp_path).presets}
    assert found["modern"].ready
    assert found["modern"].to_fetch == 0
