"""``seac compare`` on evaluations of synthetic benchmarks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seac.cli import app
from tests.fixtures import benchmarks
from tests.fixtures.evaluations import make_evaluation, write_run


def run_cli(capsys: pytest.CaptureFixture[str], *given: object) -> tuple[int, str, str]:
    code = app.run([str(argument) for argument in given])
    output = capsys.readouterr()
    return code, output.out, output.err


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    values = np.random.default_rng(0).uniform(0, 0.8, 12)
    return [
        write_run(make_evaluation({name: [{"iou": v + add} for v in values]}), tmp_path / name)
        for name, add in (("ours", 0.1), ("theirs", 0.0))
    ]


def test_predictions_of_two_methods_are_evaluated_and_compared(tmp_path, capsys):
    folder = benchmarks.s4(tmp_path / "s4")
    for name, value in (("right", benchmarks.make_mask("red")), ("whole", np.ones((224, 224), bool))):
        for number, colour in enumerate(benchmarks.COLOURS):
            path = tmp_path / name / f"{colour}_{number}.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, np.repeat(value[None], 5, 0).astype(np.float32))
        code, _, err = run_cli(
            capsys, "evaluate", "s4", folder, "--predictions", tmp_path / name, "-o", tmp_path / f"{name}-out"
        )
        assert code == 0, err
    code, out, err = run_cli(capsys, "compare", tmp_path / "right-out", tmp_path / "whole-out", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["benchmark"], found["n"], found["against"]) == ("s4", 3, "right")
    assert set(found["methods"]) == {"right", "whole"}
    # Every clip has five frames: the mean over clips is the figure of the protocol.
    for row in found["methods"]:
        expected = found["methods"][row]["dataset"]["miou"]
        assert found["means"]["mIoU"][row]["value"] == pytest.approx(expected, abs=1e-5)
        expected = found["methods"][row]["fixed"]["miou"]
        assert found["means"]["mIoU (fixed)"][row]["value"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("end", "mark"), [(".md", "| ---"), (".tex", r"\toprule"), (".html", "<table>")])
def test_the_end_of_the_file_gives_the_format(runs, tmp_path, capsys, end, mark):
    out = tmp_path / f"table{end}"
    for _ in range(2):
        assert run_cli(capsys, "compare", *runs, "-o", out)[0] == 0
    assert mark in out.read_text(encoding="utf-8")


def test_the_table_goes_to_standard_output(runs, capsys):
    code, out, _ = run_cli(capsys, "compare", *runs, "--format", "latex")
    assert code == 0
    assert out.count(r"\begin{table}") == out.count(r"\end{table}") >= 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--format", "htlm"), "did you mean 'html'"),
        (("--against", "our"), "did you mean 'ours'"),
        (("--resamples", 1), "--resamples is 1"),
        (("-o", "mine.md"), "was not written by seac"),
    ],
)
def test_wrong_options_are_one_line(runs, tmp_path, capsys, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    Path("mine.md").write_text("mine", encoding="utf-8")
    code, out, err = run_cli(capsys, "compare", *runs, *given)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err
    assert Path("mine.md").read_text(encoding="utf-8") == "mine"
