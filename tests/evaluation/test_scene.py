"""What was seen and heard is shared by models that would see and hear the same, and by no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seac.datasets.table import open_benchmark
from seac.evaluation.scene import Picture, Sound
from seac.pipeline import SeAC
from tests.fixtures import benchmarks
from tests.fixtures.parts import fake_model


def with_settings(model: SeAC, **constants: object) -> SeAC:
    return SeAC(model.stages, model.vocabulary, replace(model.settings, **constants))


def test_eyes_are_shared_by_models_that_see_alike(tmp_path: Path) -> None:
    reader = open_benchmark("s4", benchmarks.s4(tmp_path, 1))
    picture, model = Picture(reader, reader.clips[0], 0), fake_model()
    seen = picture.seen(model)
    assert picture.seen(with_settings(model, objectness=0.3, contrast=0.2)) is seen
    fewer = picture.seen(with_settings(model, top_n=1))
    assert len(fewer.proposals) == 1 < len(seen.proposals)
    assert picture.seen(model) is seen


@pytest.mark.parametrize("gate", ["floor", "silence", "noise"])
def test_ears_are_shared_by_models_with_the_same_gates(tmp_path: Path, gate: str) -> None:
    reader = open_benchmark("s4", benchmarks.s4(tmp_path, 1))
    sound, model = Sound(reader, reader.clips[0]), fake_model()
    heard = sound.heard(model, 0, 1)
    calibration = model.stages.calibration
    bolder = replace(model.stages, calibration=replace(calibration, threshold=0.9, slope=1.0))
    assert sound.heard(SeAC(bolder, model.vocabulary, model.settings), 0, 1) is heard
    other = replace(model.stages, calibration=replace(calibration, **{gate: 0.0}))
    assert sound.heard(SeAC(other, model.vocabulary, model.settings), 0, 1) is not heard
