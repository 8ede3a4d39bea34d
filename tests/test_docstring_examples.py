"""The examples in the docstrings, run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = tuple(
    f"{package}.{name}"
    for package in ("metrics", "metrics.functional")
    for name in ("avsbench", "avsbench_semantic", "vggss", "extended_vggss", "robustness", "swap")
)


@pytest.mark.parametrize("name", MODULES)
def test_every_example_gives_what_it_shows(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"seac.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
