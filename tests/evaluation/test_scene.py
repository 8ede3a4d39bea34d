"""Encodings are shared only by models with equal encodings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seac.datasets.table import open_benchmark
from seac.evaluation.cached_model import EncodingCache
from seac.evaluation.scene import Scene, SceneAudio, SceneImage
from seac.pipeline import SeAC
from tests.fixtures import benchmarks
from tests.fixtures.parts import synthetic_model


def with_settings(model: SeAC, **constants: object) -> SeAC:
    return SeAC(model.stages, model.vocabulary, replace(model.settings, **constants))


def scene(tmp_path: Path) -> Scene:
    reader = open_benchmark("s4", benchmarks.s4(tmp_path, 1))
    clip = reader.clips[0]
    image, audio = SceneImage(reader, clip, 0), SceneAudio(reader, clip)
    return Scene(image, audio, (0, 1), reader.kind, reader.truth(clip)[0], torch.Generator(), EncodingCache())


def test_encoded_images_are_shared_by_models_with_equal_settings(tmp_path: Path) -> None:
    frame, model = scene(tmp_path), synthetic_model()
    encoded = frame.encoded_image(model)
    assert frame.encoded_image(with_settings(model, objectness=0.3, softmax_temperature=0.2)) is encoded
    fewer = frame.encoded_image(with_settings(model, top_n=1))
    assert len(fewer.proposals) == 1 < len(encoded.proposals)
    assert frame.encoded_image(model) is encoded


@pytest.mark.parametrize("field", ["floor"])
def test_encoded_audio_is_shared_by_models_with_the_same_activity_detectors(
    tmp_path: Path, field: str
) -> None:
    frame, model = scene(tmp_path), synthetic_model()
    encoded = frame.encoded_audio(model)
    calibration = model.stages.calibration
    bolder = replace(model.stages, calibration=replace(calibration, threshold=0.9, slope=1.0))
    assert frame.encoded_audio(SeAC(bolder, model.vocabulary, model.settings)) is encoded
    other = replace(model.stages, calibration=replace(calibration, **{field: 0.0}))
    assert frame.encoded_audio(SeAC(other, model.vocabulary, model.settings)) is not encoded
