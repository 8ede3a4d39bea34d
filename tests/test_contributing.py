"""CONTRIBUTING.md, followed: each thing it says in ten lines works as it says."""

from __future__ import annotations

import json

import torch

import seac
from seac.cli import app
from seac.core.types import Proposals
from seac.datasets import table as benchmarks_table
from seac.datasets.clip import Clip, TruthKind
from seac.export import exporter, writer
from seac.presets import table
from seac.presets.load import Assembly
from seac.segment.ops import boxes_of
from tests.fixtures import benchmarks
from tests.fixtures.parts import PitchAudioEncoder, squares, synthetic_model, tone, write_video


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
        return Proposals(masks, boxes_of(masks), torch.tensor([0.9, 0.8]))


class Counter:
    def __init__(self, folder, clip):
        self._file = (folder / "mine.txt").open("w", encoding="utf-8")

    def add(self, result):
        self._file.write(f"{result.time} {int(result.sounding.sum())}\n")

    def close(self):
        self._file.close()


def test_a_segmenter_is_a_file_and_a_row(monkeypatch):
    monkeypatch.setitem(table.PARTS["segmenter"], "mine", f"{__name__}:Halves")
    assert "mine" in seac.list_parts("segmenter")
    segmenter = Assembly(seac.ModelSpec(parts={"segmenter": "mine"})).part("segmenter")
    assert len(segmenter(torch.zeros(3, 4, 6, dtype=torch.uint8))) == 2


class Pitch(PitchAudioEncoder):
    def __init__(self, path):
        super().__init__()
        self.version = path.read_text()

    @classmethod
    def from_context(cls, context):
        return cls(context.weights(context.name))


def test_an_encoder_is_a_file_and_a_row(monkeypatch, tmp_path):
    monkeypatch.setitem(table.PARTS["audio"], "vggish", f"{__name__}:Pitch")
    (tmp_path / "vggish").mkdir()
    (tmp_path / "vggish/vggish-10086976.pth").write_text("mine 1")
    spec = seac.ModelSpec("tiny", parts={"audio": "vggish"}, weights_dir=tmp_path)
    assert Assembly(spec).part("audio").version == "mine 1"


def test_an_export_is_a_file_and_a_row(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(writer.WRITERS, "mine", f"{__name__}:Counter")
    monkeypatch.setattr("seac.jobs.segment.load", lambda preset, **options: synthetic_model())
    video = write_video(tmp_path / "a.mp4", [squares()] * 20, tone("red", 2))
    assert app.run(["segment", str(video), "-o", str(tmp_path / "out"), "--export", "mine"]) == 0
    assert len((tmp_path / "out/mine.txt").read_text().splitlines()) == 2


class Spans:
    files = ("spans.txt",)
    images = every_frame = False

    def __init__(self, folder, video):
        rows = [f"{track.name} {span.start} {span.stop}" for track in video.tracks for span in track.spans]
        (folder / "spans.txt").write_text("\n".join(rows), encoding="utf-8")

    def add(self, frame): ...

    def close(self): ...


def test_a_format_of_the_decision_is_a_file_and_a_row(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(exporter.EXPORTERS, "spans", f"{__name__}:Spans")
    monkeypatch.setattr("seac.jobs.segment.load", lambda preset, **options: synthetic_model())
    video, out = write_video(tmp_path / "a.mp4", [squares()] * 20, tone("red", 2)), tmp_path / "out"
    assert app.run(["segment", str(video), "-o", str(out), "--export", "spans"]) == 0
    found = (out / "spans.txt").read_text()
    assert found.startswith("red 0.0 ")
    assert app.run(["export", str(out), "--format", "spans", "-o", str(tmp_path / "other")]) == 0
    assert (tmp_path / "other/spans.txt").read_text() == found


class OneClip:
    name, kind, classes, size = "mine", TruthKind.MASKS, (), (224, 224)

    def __init__(self, folder, split="test", *, strict=True):
        self.folder = folder
        frame, wav = folder / "one.png", folder / "one.wav"
        self.clips = (Clip("one", "one", split, "red", (frame,), wav, audio_windows=((0, 5),)),)

    def image(self, clip, frame):
        return benchmarks.make_image()

    def waveform(self, clip):
        return torch.from_numpy(tone("red", 2)), 16_000

    def truth(self, clip):
        return torch.from_numpy(benchmarks.make_mask("red"))[None]


def test_a_benchmark_is_a_file_and_a_row(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(benchmarks_table.READERS, "mine", f"{__name__}:OneClip")
    monkeypatch.setattr("seac.jobs.evaluate.load_model", lambda preset, **options: synthetic_model())
    assert app.run(["evaluate", "mine", str(tmp_path), "-o", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["methods"]["tiny, decided"]["fixed"]["miou"] > 0.99
