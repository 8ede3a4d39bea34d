"""Prediction of a benchmark: memory and shared encodings."""

from __future__ import annotations

from pathlib import Path

import pytest

from seac.datasets.table import open_benchmark
from seac.evaluation import predict as predict_module
from seac.evaluation.methods import Model
from seac.evaluation.predict import open_store, predict
from seac.evaluation.robustness import VARIANTS, Corrupted
from seac.evaluation.timer import ProgressTimer
from tests.fixtures import benchmarks
from tests.fixtures.parts import synthetic_model


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Encodings of images and of audio in the cache after each clip."""
    counts, answer = [], predict_module.answer_clip

    def counted(reader, clip, methods, images, cache, seed):
        answers = answer(reader, clip, methods, images, cache, seed)
        counts.append((len(cache._images), len(cache._audio)))
        return answers

    monkeypatch.setattr(predict_module, "answer_clip", counted)
    return counts


def test_memory_does_not_grow_with_the_benchmark(tmp_path: Path, cached: list[tuple[int, int]]) -> None:
    reader = open_benchmark("s4", benchmarks.s4(tmp_path / "s4", 4))
    clips, method = tuple(clip.annotated() for clip in reader.clips), Model("model", synthetic_model())
    open_store(tmp_path / "out", ["model"], {})
    predict(reader, clips, (method,), tmp_path / "out", ProgressTimer(), 0)
    assert [images for images, _ in cached] == [5] * 4
    assert max(audio for _, audio in cached) <= 5


def test_variants_of_a_frame_share_its_encoding(
    tmp_path: Path, cached: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Corrupted(open_benchmark("s4", benchmarks.s4(tmp_path / "s4", 2)))
    model, encoded = synthetic_model(), []
    encode = model.encode_image
    monkeypatch.setattr(model, "encode_image", lambda *given: encoded.append(1) or encode(*given))
    open_store(tmp_path / "out", ["model", "decided"], {})
    methods = (Model("model", model), Model("decided", model, decides=True))
    predict(reader, reader.clips, methods, tmp_path / "out", ProgressTimer(), 0)
    assert len(encoded) == 2
    assert cached == [(1, 1)] * 2 * len(VARIANTS)
