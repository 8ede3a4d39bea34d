"""A package of one's own adds parts, exports and benchmarks, without a change here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import seac
from seac.cli import app
from seac.core.errors import InputError
from seac.datasets.table import open_benchmark
from seac.export.table import files_of
from seac.presets.load import Assembly
from tests.fixtures.parts import squares, tone, write_video

CODE = """
import torch
from seac.core.types import Proposals


class Halves:
    version = "halves 1"

    @classmethod
    def from_context(cls, context):
        return cls()

    def __call__(self, image):
        height, width = image.shape[-2:]
        masks = torch.zeros(2, height, width, dtype=torch.bool)
        masks[0, :, : width // 2] = True
        masks[1, :, width // 2 :] = True
        half = width // 2
        boxes = torch.tensor([[0, 0, half, height], [half, 0, width, height]]).float()
        return Proposals(masks, boxes, torch.tensor([0.9, 0.8]))


class Lines:
    files = ("lines.txt",)

    def __init__(self, folder, clip):
        self.file = (folder / "lines.txt").open("w", encoding="utf-8")

    def add(self, result):
        self.file.write(f"{result.time} {len(result.masks)}\\n")

    def close(self):
        self.file.close()


class Benchmark:
    def __init__(self, folder, split="test", *, strict=True):
        self.folder, self.split = folder, split


class Bare:
    pass
"""
ENTRIES = """[seac.parts]
segmenter.halves = outside_parts:Halves
segmenter.tiny = outside_parts:Bare
segmenter.bare = outside_parts:Bare
audio.broken = outside_parts.nowhere:Gone
export.lines = outside_parts:Lines
benchmark.outside = outside_parts:Benchmark
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package, as pip leaves it: its module, and its metadata."""
    site = tmp_path / "site"
    info = site / "outside_parts-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "outside_parts.py").write_text(CODE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "outside_parts", raising=False)
    return site


def test_its_rows_are_listed_and_nothing_is_imported() -> None:
    assert "halves" in seac.list_parts("segmenter")
    assert {"export.lines", "format.coco", "benchmark.outside", "audio.broken"} <= set(seac.list_parts())
    assert "outside_parts" not in sys.modules


def test_its_parts_and_exports_work_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, out = write_video(tmp_path / "a.mp4", [squares()] * 10, tone("red", 1)), tmp_path / "out"
    words = ["segment", str(video), "-o", str(out), "--segmenter", "halves", "--export", "json,lines"]
    assert app.run([*words, "--json"]) == 0
    settings = json.loads(capsys.readouterr().out.splitlines()[-1])["settings"]
    assert settings["parts"]["segmenter"] == "halves"
    assert settings["weights"]["segmenter"] == "halves 1"
    assert (out / "lines.txt").read_text() == "0.0 2\n"
    assert files_of("lines") == ("lines.txt",)


def test_help_lists_its_rows(package: Path) -> None:
    path = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "seac", "segment", "--help"]
    message = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": path}, check=True, capture_output=True, text=True
    ).stdout
    assert "halves" in message
    assert "lines" in message


def test_its_benchmark_is_opened(tmp_path: Path) -> None:
    reader = open_benchmark("outside", tmp_path, "val")
    assert (reader.folder, type(reader).__name__) == (tmp_path, "Benchmark")


def test_our_own_rows_cannot_be_replaced() -> None:
    assert type(Assembly(seac.ModelSpec()).part("segmenter")).__name__ == "ProposalSegmenter"


def test_what_is_broken_is_one_line_when_it_is_asked_for() -> None:
    broken = seac.ModelSpec(parts={"audio": "broken"})
    with pytest.raises(InputError, match=r"outside_parts\.nowhere:Gone of an installed package") as raised:
        Assembly(broken).part("audio")
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match="has no from_context"):
        Assembly(seac.ModelSpec(parts={"segmenter": "bare"})).part("segmenter")
    with pytest.raises(InputError, match="unknown export 'line': did you mean 'lines'"):
        files_of("line")
