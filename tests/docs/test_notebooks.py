"""The notebooks under examples/, executed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPO

nbformat = pytest.importorskip("nbformat")
NOTEBOOKS = sorted((REPO / "examples").glob("*.ipynb"))
SAYS = {"tour.ipynb": ("sheep", "nothing sounds"), "annotate_and_edit.ipynb": ("my object", "Timeline")}
"""Notebook -> what its outputs hold."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(REPO / "src"), os.environ.get("PYTHONPATH", ""))))
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    text = "".join(printed(cell) for cell in notebook.cells)
    for part in SAYS[path.name]:
        assert part in text, text


def printed(cell: Any) -> str:
    return "".join(output.get("text", "") for output in cell.get("outputs", ()))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_every_notebook_is_named() -> None:
    assert {path.name for path in NOTEBOOKS} == set(SAYS)
