"""Every preset, from a video to a folder of results, on tiny random weights in the published formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import seac
from seac.cli import app
from seac.core.errors import InputError
from seac.presets.table import PARTS, PRESETS, choose, part_class
from seac.weights import TABLE
from tests.fixtures import checkpoints
from tests.fixtures.parts import squares, tone, write_video

CLASS_NAMES = "red square,green square"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("open_clip")
    pytest.importorskip("segment_anything")
    return checkpoints.make(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "a.mp4", [squares(72, 120)] * 10, tone("red", 1))


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEAC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEAC_OFFLINE", "1")


@pytest.mark.parametrize(
    "options",
    [
        ["--preset", "paper"],
        ["--preset", "paper-fast"],
        ["--preset", "paper", "--segmenter", "sam-hq-vit-l", "--vision", "clip-rn50"],
        ["--preset", "small"],
        [
            "--preset",
            "small",
            "--exact",
            "--detector",
            "rf-detr-seg-n",
            "--audio-encoder",
            "efficientat-mn04",
        ],
        ["--preset", "modern"],
        ["--preset", "modern", "--segmenter", "edgetam", "--vision", "pe-core-t", "--text", "pe-core-t"],
        ["--preset", "modern", "--detector", "mm-grounding-dino", "--segmenter", "sam-vit-b"],
        ["--preset", "modern", "--vision", "clip-vit-l-14", "--text", "clip-vit-l-14"],
    ],
    ids=" ".join,
)
def test_a_preset_runs_from_video_to_folder(
    weights: Path, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    out = tmp_path / "out"
    arguments = [
        "segment",
        str(video),
        "-o",
        str(out),
        "--weights-dir",
        str(weights),
        "--vocabulary",
        CLASS_NAMES,
    ]
    assert app.run([*arguments, "--export", "json", "--json", *options]) == 0
    message = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert message["clips"][0]["frames"] == 1
    assert message["settings"]["parts"]["detector"]
    assert (out / "result.json").is_file()


def test_weights_dir_can_be_set_by_an_environment_variable(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAC_WEIGHTS_DIR", str(weights))
    model = seac.load("modern", vocabulary=CLASS_NAMES)
    result = model(squares(72, 120), tone("red", 1), 16_000)
    assert len(result) >= 1
    assert result.heatmap.shape == (72, 120)


def test_missing_weights_give_one_line_with_the_command(
    video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(["segment", str(video), "--preset", "modern"]) == 2
    message = capsys.readouterr().err.strip()
    assert "seac weights get owlv2" in message
    assert "https://" in message
    assert message.count("\n") == 0


def test_the_untrained_paper_preset_names_the_missing_association(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be trained"):
        seac.load("paper", weights_dir=weights, association_method="zero-shot")
    bare = tmp_path / "bare"
    bare.mkdir()
    for record in weights.iterdir():
        if record.name != "association-paper":
            (bare / record.name).symlink_to(record)
    with pytest.raises(InputError, match="seac train STORE --out RUN"):
        seac.load("paper", weights_dir=bare)


def test_an_association_of_other_features_is_refused(weights: Path) -> None:
    with pytest.raises(InputError, match="features of size"):
        seac.load("paper", weights_dir=weights, audio="clap-htsat")


def test_encoders_of_different_spaces_are_refused(weights: Path) -> None:
    with pytest.raises(InputError, match="the text encoder of the same weights"):
        seac.load("modern", weights_dir=weights, text="clip-rn50")


def test_a_promptable_segmenter_needs_a_detector(weights: Path) -> None:
    with pytest.raises(InputError, match="--detector"):
        seac.load("tiny", segmenter="sam-vit-h", weights_dir=weights)


def test_every_row_can_be_imported_and_every_preset_names_rows() -> None:
    for stage, rows in PARTS.items():
        for name in rows:
            assert callable(part_class(stage, name).from_context)
    for preset in PRESETS:
        chosen = choose(preset)
        for stage in PARTS.keys() - {"detector"}:
            assert getattr(chosen, stage) in PARTS[stage]
        assert chosen.detector is None or chosen.detector in PARTS["detector"]


def test_the_table_of_weights_lists_the_presets_of_a_row() -> None:
    for preset in ("small", "paper", "modern"):
        chosen = choose(preset)
        if preset == "small":
            chosen = choose(preset, detector="rf-detr-seg-n")  # the proposals' weights are in the package
        named = {
            getattr(chosen, stage)
            for stage in ("detector", "segmenter", "vision", "audio", "text", "association_method")
        }
        assert {row.name for row in TABLE if preset in row.presets} == named - {"zero-shot"}
    assert {row.name for row in TABLE if "paper-fast" in row.presets} == {
        row.name for row in TABLE if "paper" in row.presets
    }


def test_a_trained_association_loads_into_its_preset(
    weights: Path, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "films"
    videos.mkdir()
    for number in range(2):
        (videos / f"{number}.mp4").symlink_to(video)
    store, run = str(tmp_path / "store"), str(tmp_path / "run")
    own = ["--weights-dir", str(weights)]
    assert app.run(["extract", str(videos), store, "--preset", "paper", "--workers", "1", *own]) == 0
    assert app.run(["train", store, "-o", run, *own, "--set", "epochs=1", "--set", "batch=2"]) == 0
    arguments = ["segment", str(video), "-o", str(tmp_path / "out"), "--preset", "paper", *own]
    arguments += ["--association-weights", run, "--vocabulary", CLASS_NAMES, "--export", "json", "--json"]
    assert app.run(arguments) == 0
    message = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert message["settings"]["weights"]["association"].startswith("trained association")
    taken = ["weights", "import", run, "--name", "association-paper"]
    assert app.run(taken) == 0, "a run's folder is what `seac weights import` takes"
