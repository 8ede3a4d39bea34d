from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from seac.cli.app import run as seac
from seac.core.errors import InputError
from seac.core.ownership import RECORD
from seac.features.batch import MemoryStore
from seac.jobs import ablate as ablating
from seac.training.ablation.axes import AXES, chosen_values
from seac.training.ablation.report import over_seeds, panels, verdict
from seac.training.config import TrainingConfig
from seac.training.frozen import Networks
from tests.fixtures.training_data import Bands, synthetic_store

SMALL = ["lr=2e-3", "epochs=2", "batch=12", "d=8", "width=16", "depth=1", "heads=2"]
CONFIG = TrainingConfig(lr=2e-3, epochs=2, batch=12, d=8, width=16, depth=1, heads=2)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that are trained, on a store in memory."""
    store: MemoryStore = synthetic_store(60)
    monkeypatch.setattr("seac.features.open_store", lambda path: store)
    monkeypatch.setattr(Networks, "audio", lambda self, store: Bands())
    names: list[str] = []
    fit: Callable[..., object] = ablating.fit

    def counted(job: object, fabric: object) -> object:
        names.append(job.out.name)  # type: ignore[attr-defined]
        return fit(job, fabric)

    monkeypatch.setattr(ablating, "fit", counted)
    return names


def arguments(out: Path, *more: str) -> list[str]:
    sets = [argument for setting in SMALL for argument in ("--set", setting)]
    return ["ablate", "STORE", "--out", str(out), "--seeds", "2", *sets, *more]


def test_a_grid_is_trained_once_and_reported_with_its_seeds(
    trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = arguments(tmp_path, "--over", "msa,lambda", "--json")
    assert seac(command) == 0
    cells = json.loads(capsys.readouterr().out.splitlines()[-1])["cells"]
    assert [(cell["value"], cell["seed"]) for cell in cells["msa"]] == [(0, 0), (0, 1), (0.5, 0), (0.5, 1)]
    assert len(cells["lambda"]) == 12
    # lambda = .6 with mixing is the method as published: one training serves both tables.
    assert len(trained) == len(set(trained)) == 14
    assert cells["msa"][2]["figures"] == cells["lambda"][6]["figures"]
    for name in ("msa", "lambda"):
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    with (tmp_path / "lambda.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["lam"]) for row in rows] == [lam for lam in (0, 0.2, 0.4, 0.6, 0.8, 1) for _ in (0, 1)]
    text = (tmp_path / "msa.md").read_text()
    assert "| w/o MSA |" in text
    assert "the trend" in text
    trained.clear()
    assert seac(command) == 0
    assert trained == []
    assert not list(tmp_path.rglob("checkpoint.pt"))


@pytest.mark.parametrize(
    "name", ["lambda.csv", "lambda.md", "cells/mine.txt", "cells/lam=0.2 seed=1/steps.csv"]
)
def test_files_of_others_are_refused_before_the_work(
    trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    assert seac(arguments(tmp_path, "--over", "lambda", "--values", "0,0.2")) == 2
    assert name.split("/")[0] in capsys.readouterr().err
    assert trained == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


def test_a_grid_of_an_earlier_version_is_resumed(trained: list[str], tmp_path: Path) -> None:
    command = arguments(tmp_path, "--over", "encoder_depth", "--values", "0", "--seeds", "1")
    assert seac(command) == 0
    for record in list(tmp_path.rglob(RECORD)):
        record.unlink()
    assert seac(command) == 0
    assert len(trained) == 1


def test_an_interrupted_grid_is_resumed(trained: list[str], tmp_path: Path) -> None:
    command = arguments(tmp_path, "--over", "encoder_depth", "--values", "0,1")
    assert seac(command) == 0
    (tmp_path / "cells" / "depth=0 seed=1" / "cell.json").unlink()
    trained.clear()
    assert seac(command) == 0
    assert trained == ["depth=0 seed=1"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--over", "lamda"], "unknown ablation 'lamda': did you mean 'lambda'?"),
        (["--over", "lambda,msa", "--values", "1"], "--values needs exactly one --over"),
        (["--over", "lambda", "--values", "2"], "lam=2: give a number from 0 to 1"),
        (["--over", "encoder_depth", "--values", "deep"], "depth=deep: give a whole number"),
        (["--over", "lambda", "--eval", "s4"], "give BENCHMARK:DIR"),
        (["--over", ","], "--over names nothing"),
    ],
)
def test_an_error_is_one_line(
    trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert seac(arguments(tmp_path, *more)) == 2
    assert message in capsys.readouterr().err
    assert trained == []


def test_a_folder_of_another_grid_is_refused(trained: list[str], tmp_path: Path) -> None:
    assert seac(arguments(tmp_path, "--over", "encoder_depth", "--values", "0")) == 0
    assert seac(arguments(tmp_path, "--over", "encoder_depth", "--values", "0", "--set", "epochs=1")) == 2


def test_values_are_the_papers_as_far_as_the_store_has_them() -> None:
    store = synthetic_store(60)
    assert chosen_values(AXES["lambda"], store, CONFIG) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert chosen_values(AXES["n_masks"], store, CONFIG) == [1, 2, 50]
    assert chosen_values(AXES["data_size"], store, CONFIG) == [21, 42, 0]
    assert chosen_values(AXES["msa"], store, replace(CONFIG, mixing=0.0)) == [0.0, 0.5]
    assert chosen_values(AXES["loss"], store, CONFIG)[0] == "msa-micl"
    with pytest.raises(InputError, match="comma-separated values of depth"):
        chosen_values(AXES["encoder_depth"], store, CONFIG, " ")


def test_means_and_spreads_are_over_seeds() -> None:
    rows = [(0.0, 0, {"x": 0.1}), (0.0, 1, {"x": 0.3}), (1.0, 0, {"x": 0.5})]
    found = over_seeds(rows, "x")
    assert found[0.0] == pytest.approx((0.2, 0.02**0.5))
    assert found[1.0] == (0.5, 0.0)


def test_figures_of_a_benchmark_share_a_panel() -> None:
    names = ("s4 miou", "s4 fscore", "ms3 train miou")
    assert panels(names) == {"s4": ["s4 miou", "s4 fscore"], "ms3 train": ["ms3 train miou"]}


def test_a_trend_appears_only_beyond_the_noise() -> None:
    rising = {1: (0.1, 0.01), 2: (0.2, 0.01), 5: (0.3, 0.01)}
    assert "appears" in verdict(AXES["n_masks"], rising)
    assert "does not appear" in verdict(AXES["n_masks"], dict(reversed(rising.items())))
    assert "within the noise" in verdict(AXES["n_masks"], {1: (0.1, 0.3), 5: (0.2, 0.3)})
    inside = {0.0: (0.1, 0.0), 0.6: (0.3, 0.0), 1.0: (0.2, 0.0)}
    assert "trend appears: 0.6 against 1 is +10.00" in verdict(AXES["lambda"], inside)
    assert "does not appear" in verdict(AXES["lambda"], {0.0: (0.4, 0.0), 0.6: (0.3, 0.0), 1.0: (0.2, 0.0)})
