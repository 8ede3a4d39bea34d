"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

REPO = Path(__file__).resolve().parents[1]


# A shared machine may stand still for longer than any deadline; that is no fault of the code.
settings.register_profile("seac", deadline=None)
settings.load_profile("seac")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with golden vectors and media; a test that asks for it is skipped where it is missing."""
    folder = Path(os.environ.get("SEAC_SHARED", REPO.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip(f"no shared folder at {folder}: set SEAC_SHARED to run this test")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked gpu say why they did not run."""
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="no CUDA device here"))
