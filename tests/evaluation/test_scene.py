"""What was seen and heard is shared by models that would see and hear the same, and by no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seac.datasets.table import open_benchmark
from seac.evaluation.scene import CachedAudio, CachedImage
from seac.pipeline import SeAC
from tests.fixtures import benchmarks
from tests.fixtures.parts import synthetic_model


def with_settings(model: SeAC, **constants: object) -> SeAC:
    return SeAC(model.stages, model.vocabulary, replace(model.settings, **constants))


def test_encoded_images_are_shared_by_models_with_equal_settings(tmp_path: Path) -> None:
    reader = open_benchmark("s4", benchmarks.s4(tmp_path, 1))
    picture, model = CachedImage(reader, reader.clips[0], 0), synthetic_model()
    seen = picture.encoded_image(model)
    assert picture.encoded_image(with_settings(model, objectness=0.3, softmax_temperature=0.2)) is seen
    fewer = picture.encoded_image(with_settings(model, top_n=1))
    assert len(fewer.proposals) == 1 < len(seen.proposals)
    assert picture.encoded_image(model) is seen


@pytest.mark.parametrize("gate", ["floor", "silence", "noise"])
def test_encoded_audio_is_shared_by_models_with_the_same_activity_detectors(
    tmp_path: Path, gate: str
) -> None:
    reader = open_benchmark("s4", benchmarks.s4(tmp_path, 1))
    sound, model = CachedAudio(reader, reader.clips[0]), synthetic_model()
    heard = sound.encoded_audio(model, 0, 1)
    calibration = model.stages.calibration
    bolder = replace(model.stages, calibration=replace(calibration, threshold=0.9, slope=1.0))
    assert sound.encoded_audio(SeAC(bolder, model.vocabulary, model.settings), 0, 1) is heard
    other = replace(model.stages, calibration=replace(calibration, **{gate: 0.0}))
    assert sound.encoded_audio(SeAC(other, model.vocabulary, model.settings), 0, 1) is not heard
