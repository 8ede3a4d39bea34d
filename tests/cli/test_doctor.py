"""``seac doctor``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seac.cli import app
from seac.jobs import doctor
from seac.presets.table import PRESETS


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


def test_weights_of_ones_own_make_a_preset_ready(tmp_path: Path) -> None:
    from seac.weights.table import records_for

    for row in records_for("modern"):
        for file in row.files:
            (tmp_path / row.name).mkdir(exist_ok=True)
            (tmp_path / row.name / file.name).write_bytes(b"x")
    found = {preset.preset: preset for preset in doctor.diagnose(tmp_path).presets}
    assert found["modern"].ready
    assert found["modern"].to_fetch == 0
