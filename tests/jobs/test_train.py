from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from seac.associate.model import AssociationModule
from seac.associate.trained import FILE, read
from seac.cli.app import run as seac
from seac.core.errors import InputError
from seac.core.ownership import RECORD
from seac.decision.trained_head import FILE as HEAD
from seac.decision.trained_head import read as read_head
from seac.features.batch import MemoryStore
from seac.jobs import train as training
from seac.jobs.train import check_variant, choose_head, split
from seac.presets.spec import ModelSpec
from seac.training.config import TrainingConfig
from seac.training.frozen import Networks
from seac.training.validation import Retrieval, Wanted, combine_measures, found_in
from tests.fixtures.training_data import Bands, synthetic_store

SMALL = ["lr=2e-3", "epochs=3", "batch=12", "d=8", "width=16", "depth=1", "heads=2", "held_out=0.25"]
SMALL += ["sounding_steps=4"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A store in memory for the command line, with its audio encoder."""
    store = synthetic_store(48)
    monkeypatch.setattr("seac.features.open_store", lambda path: store)
    monkeypatch.setattr(Networks, "audio", lambda self, store: Bands())
    return store


def arguments(out: Path, *more: str, settings: list[str] = SMALL) -> list[str]:
    sets = [argument for setting in settings for argument in ("--set", setting)]
    return ["train", "STORE", "--out", str(out), *sets, *more]


def test_a_run_leaves_weights_that_can_be_loaded_with_model_card_curves_and_tables(
    store: MemoryStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seac(arguments(tmp_path, "--json", "--licence", "CC-BY-4.0")) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    weights = read(tmp_path)
    assert weights.sha256 == summary["sha256"]
    assert weights.provenance["audio"] == "synthetic bands"
    assert (weights.module.config.d_m, weights.module.config.width) == (10, 16)
    assert (summary["clips"], summary["steps"]) == (36, 9)
    assert 0 <= summary["waiting_share"] <= 1
    assert summary["samples_per_second"] > 0
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    card = (tmp_path / "card.md").read_text()
    assert all(
        text in card for text in (summary["sha256"], "CC-BY-4.0", "0.002 (paper: 0.0001)", "synthetic bands")
    )
    with (tmp_path / "steps.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(9))
    assert set(summary["measured"]) == {
        "held-out retrieval",
        "held-out frame-by-sound",
        "held-out sound-by-frame",
    }
    assert not list(tmp_path.glob("*.tmp")) + list(tmp_path.glob("*.ready"))


def test_a_sounding_head_is_written_beside_the_association_with_a_row_on_the_card(
    store: MemoryStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seac(arguments(tmp_path, "--json")) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])["sounding_head"]
    weights = read_head(tmp_path / HEAD)
    assert weights.sha256 == summary["sha256"]
    assert weights.association == read(tmp_path).sha256
    assert weights.calibration.threshold == summary["calibration"]["threshold"]
    card = (tmp_path / "card.md").read_text()
    assert all(text in card for text in (summary["sha256"], "| sounding head | ", "## Sounding head"))
    assert set(summary["measured"]) == {
        *("active under own", "active under other", "active under noise", "auroc")
    }
    first = (tmp_path / HEAD).read_bytes()
    assert seac(arguments(tmp_path)) == 0
    assert (tmp_path / HEAD).read_bytes() == first


def test_the_association_does_not_depend_on_the_head(store: MemoryStore, tmp_path: Path) -> None:
    assert seac(arguments(tmp_path / "with")) == 0
    assert seac(arguments(tmp_path / "without", "--no-sounding-head")) == 0
    assert read(tmp_path / "with").sha256 == read(tmp_path / "without").sha256
    assert not (tmp_path / "without" / HEAD).exists()
    assert not (tmp_path / "without" / "sounding").exists()


def test_a_store_that_allows_no_head_says_so(
    store: MemoryStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--set", "held_out=0.1"]
    assert seac(arguments(tmp_path / "a", *more)) == 0
    line = "the store has 48 clips with masks, and 80 are needed"
    assert f"no sounding head is trained: {line}" in capsys.readouterr().err
    assert seac(arguments(tmp_path / "b", *more, "--sounding-head")) == 2
    assert f"no sounding head can be trained: {line}" in capsys.readouterr().err


def test_the_paper_has_a_head_only_if_it_is_asked_for() -> None:
    store = synthetic_store(48)
    assert choose_head(None, store, TrainingConfig(), "modern") == (True, "")
    for preset in ("paper", "paper-fast"):
        assert choose_head(None, store, TrainingConfig(), preset) == (False, "")
        assert choose_head(True, store, TrainingConfig(), preset) == (True, "")
    assert not choose_head(None, store, TrainingConfig(variant="grid"), "tiny")[0]
    with pytest.raises(InputError, match="no sounding head can be trained"):
        choose_head(True, store, TrainingConfig(variant="grid"), "tiny")


def test_events_are_those_of_the_tables_even_after_going_on(store: MemoryStore, tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert seac(arguments(tmp_path)) == 0
    assert seac(arguments(tmp_path)) == 0
    events = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    with (tmp_path / "steps.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert [event.value for event in events.Scalars("step/loss")] == pytest.approx(losses)
    assert [event.step for event in events.Scalars("epoch/loss")] == [2, 5, 8]


def test_the_same_command_twice_gives_the_same_weights(store: MemoryStore, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert seac(arguments(tmp_path / name)) == 0
    assert read(tmp_path / "a").sha256 == read(tmp_path / "b").sha256


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--set", "learning_rate=1"], "unknown setting 'learning_rate'"),
        (["--preset", "paper"], "the store has features of the preset 'tiny', not 'paper'"),
        (["--val", "s4:somewhere:test"], "a test split is not for model selection"),
        (["--val", "s4"], "give BENCHMARK:DIR"),
        (["--val", "s5:somewhere"], "unknown benchmark 's5'"),
        (["--val", "vggsound:somewhere"], "vggsound has no ground truth"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--devices", "0"], "--devices is 0"),
        (["--set", "variant=grid"], "variant=grid needs a store of cells"),
    ],
)
def test_a_mistake_is_answered_in_one_line_before_anything_is_trained(
    store: MemoryStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    message: str,
) -> None:
    assert seac(arguments(tmp_path / "run", *more)) == 2
    output = capsys.readouterr().err
    assert message in output
    assert len(output.strip().splitlines()) == 1
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_a_store_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = arguments(tmp_path / "run")
    command[1] = str(tmp_path / "nowhere")
    assert seac(command) == 2
    assert "nowhere" in capsys.readouterr().err


def test_mixtures_are_encoded_by_the_network_that_made_the_store_or_not_at_all() -> None:
    with pytest.raises(InputError, match="encoded by synthetic bands, not audio-student"):
        Networks(ModelSpec("tiny")).audio(synthetic_store())
    here = replace(synthetic_store(), provenance={})
    with pytest.raises(InputError, match="extract again, or --set mixing=0"):
        Networks(ModelSpec("tiny")).audio(here)


def test_held_out_clips_are_the_same_however_many_others_are_trained_on() -> None:
    config = TrainingConfig(held_out=0.25)
    learned, held_out = split(synthetic_store(48), config)
    few, same = split(synthetic_store(48), replace(config, clips=5))
    assert held_out.rows == same.rows
    assert set(few.rows) < set(learned.rows)
    assert (len(learned), len(held_out), len(few)) == (36, 12, 5)
    assert not set(learned.rows) & set(held_out.rows)
    assert split(synthetic_store(48), replace(config, seed=1))[1].rows != held_out.rows


def test_retrieval_is_the_share_of_right_guesses() -> None:
    assert found_in(torch.tensor([[0.9, 0.1], [0.2, 0.8]])) == (1.0, 1.0)
    assert found_in(torch.tensor([[0.9, 0.95], [0.2, 0.8]])) == (0.5, 0.5)
    module = AssociationModule(TrainingConfig(d=8, width=16, depth=1, heads=2).association(10, 8))
    figures = Retrieval(synthetic_store(30), 9)(module.eval())
    assert all(0 <= figure <= 0.5 for figure in figures.values())


def test_a_benchmark_is_named_with_its_split_and_a_test_split_is_only_for_reports() -> None:
    assert Wanted.parse("s4:a/b") == Wanted("s4", Path("a/b"), "val")
    assert Wanted.parse("ms3:a:train").title == "ms3 train"
    assert Wanted.parse("s4:C:/odd").folder == Path("C:/odd")
    assert Wanted.parse("s4:a:test", choosing=False).split == "test"
    with pytest.raises(InputError, match="a test split is not for model selection"):
        Wanted.parse("s4:a:all")


def test_figures_of_several_measures_stand_in_their_order() -> None:
    def first(module: AssociationModule) -> Mapping[str, float]:
        return {"b": 1.0}

    def second(module: AssociationModule) -> Mapping[str, float]:
        return {"a": 2.0}

    module = AssociationModule(TrainingConfig(d=8, width=16, depth=0).association(10, 8))
    both = combine_measures([first, second])
    assert both is not None
    assert list(both(module).items()) == [("b", 1.0), ("a", 2.0)]
    assert combine_measures([]) is None


def test_weights_appear_only_when_the_run_is_done(store: MemoryStore, tmp_path: Path) -> None:
    def stopped(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "model_card", stopped)
        assert seac(arguments(tmp_path)) == 130
    with pytest.raises(InputError, match=r"holds no association\.safetensors: finish it"):
        read(tmp_path)
    assert seac(arguments(tmp_path)) == 0
    assert (tmp_path / FILE).is_file()


def test_grid_locations_are_trained_on_all_together() -> None:
    store = SimpleNamespace(provenance={"segmenter": "grid 9 x 9"})
    check_variant(store, replace(TrainingConfig(), variant="grid", n_masks=81))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="--set n_masks=81"):
        check_variant(store, replace(TrainingConfig(), variant="grid", n_masks=50))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["checkpoint.pt", "card.md", "steps.csv", "run.json", FILE, "tensorboard/mine"]
)
def test_files_of_others_are_refused_before_the_work(
    store: MemoryStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.setattr(training, "Networks", lambda *given: pytest.fail("training started"))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    assert seac(arguments(tmp_path)) == 2
    assert name.split("/")[0] in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_run_goes_on_with_its_own_files_and_not_with_changed_ones(
    store: MemoryStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seac(arguments(tmp_path)) == 0
    assert seac(arguments(tmp_path)) == 0
    (tmp_path / RECORD).unlink()  # an earlier version kept none
    assert seac(arguments(tmp_path)) == 0
    (tmp_path / "card.md").write_text("with notes of mine")
    assert seac(arguments(tmp_path)) == 2
    assert "card.md" in capsys.readouterr().err
    assert (tmp_path / "card.md").read_text() == "with notes of mine"
