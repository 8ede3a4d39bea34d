"""The saliency baseline without what it needs: one line that says what to install."""

from __future__ import annotations

import pytest

from seac.core.errors import InputError
from seac.segment.baselines import saliency
from seac.segment.baselines.classic import Classic, ClassicSettings


def test_without_onnxruntime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saliency, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs onnxruntime: pip install 'seac\[baselines\]'"):
        saliency.Saliency()
    with pytest.raises(InputError, match=r"seac\[baselines\]"):
        Classic()
    assert Classic(ClassicSettings(saliency=False)) is not None


@pytest.mark.parametrize(
    ("python", "line"),
    [((3, 12, 1), r"seac\[baselines\]"), ((3, 13, 0), "cannot be installed")],
)
def test_without_the_weights_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, python: tuple[int, int, int], line: str
) -> None:
    monkeypatch.setattr(saliency, "DISTRIBUTION", "no-such-distribution")
    monkeypatch.setattr(saliency.sys, "version_info", python)
    with pytest.raises(InputError, match=line):
        saliency.weights_path()
