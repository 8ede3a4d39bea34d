"""The same clips give the same store in every engine, and dying workers lose no clips."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seac.core.errors import InputError
from seac.datasets.pairs.pair import Pair
from seac.extraction.engine import Engine, InProcessEngine, ProcessEngine
from seac.extraction.worker import STAGES, Extractor, Recipe
from seac.features import open_store
from seac.features.clip_features import as_float
from seac.features.unreadable import read_unreadable
from seac.features.verify import verify
from seac.jobs.extract import Tally, extract
from seac.pipeline import SeAC
from tests.fixtures.pairs import RECIPE, SyntheticPair, model, same


def run(folder: Path, pairs: list[Pair], engine: Engine, recipe: Recipe = RECIPE) -> Tally:
    return extract(pairs, recipe, folder, engine)


def assert_same(one: Path, other: Path) -> None:
    ours, theirs = open_store(one), open_store(other)
    assert ours.ids == theirs.ids
    assert all(same(a, b) for a, b in zip(ours, theirs, strict=True))


def failing_model(device: str) -> SeAC:
    failing = model()

    def fail(image: torch.Tensor) -> None:
        raise ZeroDivisionError

    object.__setattr__(failing.stages, "segmenter", fail)
    return failing


def dying_model(device: str) -> SeAC:
    """Load in the main process; kill any other process."""
    import multiprocessing
    import os

    if multiprocessing.parent_process() is not None:
        os._exit(9)
    return model()


class TestFeatures:
    def test_stored_features_equal_those_of_the_pipeline(self, tmp_path):
        pair = SyntheticPair(3, label="red")
        run(tmp_path / "s", [pair], InProcessEngine())
        (clip,) = open_store(tmp_path / "s")
        extractor = Extractor(RECIPE)
        excerpt = pair.excerpt(extractor.excerpt_config)
        assert (clip.id, clip.video_id, clip.label) == (pair.id, pair.video_id, "red")
        for frame, image in zip(clip.frames, excerpt.images, strict=True):
            encoded = extractor.model.encode_image(image)
            assert torch.equal(frame.proposals.masks, encoded.proposals.masks)
            assert torch.equal(frame.boxes, encoded.proposals.boxes)
            assert torch.equal(frame.scores, encoded.proposals.scores)
            assert torch.equal(frame.embeddings.local, encoded.embeddings.local.half())
            assert torch.equal(frame.embeddings.context, encoded.embeddings.context.half())
            assert torch.equal(
                frame.embeddings.local_probabilities, encoded.embeddings.local_probabilities.half()
            )
        audio = extractor.model.encode_audio(as_float(clip.waveform), 16_000)
        assert torch.equal(clip.windows.embeddings, audio.features.embeddings.half())
        assert torch.equal(clip.windows.class_probabilities, audio.features.class_probabilities.half())
        assert (as_float(clip.waveform) - excerpt.waveform).abs().max() <= 0.5001 / 32768

    def test_class_probabilities_can_be_left_out(self, tmp_path):
        run(tmp_path / "s", [SyntheticPair(1)], InProcessEngine(), Recipe(model, class_probabilities=False))
        (clip,) = open_store(tmp_path / "s")
        assert clip.frames[0].embeddings.local_probabilities is None
        assert clip.windows.class_probabilities is not None

    def test_the_store_records_its_provenance(self, tmp_path):
        run(tmp_path / "s", [], InProcessEngine())
        by = open_store(tmp_path / "s").provenance
        assert by["segmenter"] == "synthetic segmenter"
        assert by["audio"] == "synthetic audio encoder"
        assert by["seconds"] == "5.0"
        assert all(isinstance(value, str) for value in by.values())
        assert "sigma" not in by

    def test_only_settings_that_change_features_are_compared(self, tmp_path):
        run(tmp_path / "s", [SyntheticPair(1)], InProcessEngine())
        run(tmp_path / "s", [SyntheticPair(2)], InProcessEngine(), Recipe(_with_other_sigma))
        for recipe in (
            Recipe(_with_fewer_masks),
            Recipe(model, seconds=3.0),
            Recipe(model, class_probabilities=False),
        ):
            with pytest.raises(InputError, match="was made with"):
                run(tmp_path / "s", [SyntheticPair(3)], InProcessEngine(), recipe)


def _with_other_sigma(device: str) -> SeAC:
    return model(sigma=0.5)


def _with_fewer_masks(device: str) -> SeAC:
    return model(top_n=2)


class TestRuns:
    def test_a_second_run_extracts_only_missing_clips(self, tmp_path):
        run(tmp_path / "s", [SyntheticPair(n) for n in range(3)], InProcessEngine())
        tally = run(tmp_path / "s", [SyntheticPair(n) for n in range(5)], InProcessEngine())
        assert (tally.listed, tally.before, tally.new, tally.frames) == (5, 3, 2, 4)
        assert len(open_store(tmp_path / "s")) == 5

    def test_unreadable_clips_are_listed_and_retried(self, tmp_path):
        pairs = [SyntheticPair(0), SyntheticPair(1, fails=True), SyntheticPair(2, fails=True)]
        tally = run(tmp_path / "s", pairs, InProcessEngine())
        assert (tally.new, tally.unreadable) == (1, 2)
        assert read_unreadable(tmp_path / "s") == {
            "synthetic/0001": "clip 1 is broken",
            "synthetic/0002": "clip 2 is broken",
        }
        tally = run(
            tmp_path / "s",
            [SyntheticPair(0), SyntheticPair(1), SyntheticPair(2, fails=True)],
            InProcessEngine(),
        )
        assert (tally.new, tally.unreadable) == (1, 1)
        assert list(read_unreadable(tmp_path / "s")) == ["synthetic/0002"]

    def test_time_is_recorded_by_stage(self, tmp_path):
        record = run(tmp_path / "s", [SyntheticPair(0, pause=0.05)], InProcessEngine()).record()
        assert record["stage_seconds"]["decode"] > 0.05
        assert record["stage_cpu_seconds"]["decode"] < 0.05
        assert set(record["stage_clips_per_second"]) == {*STAGES, "write"}
        assert record["clips_per_second"] > 0

    def test_a_bug_is_raised_and_no_clip_is_unreadable(self, tmp_path):
        with pytest.raises(ZeroDivisionError):
            run(tmp_path / "s", [SyntheticPair(0)], InProcessEngine(), Recipe(failing_model))
        assert read_unreadable(tmp_path / "s") == {}


class TestProcesses:
    def test_two_workers_make_the_same_store_and_survive_deaths(self, tmp_path):
        """One clip kills its worker once, another every time, a third is broken; the others are extracted."""
        good = [SyntheticPair(n) for n in range(9)]
        run(tmp_path / "one", good, InProcessEngine())
        pairs = [
            *good[:3],
            SyntheticPair(20, kills=True),
            SyntheticPair(3, once=tmp_path / "died"),
            *good[4:],
        ]
        pairs.append(SyntheticPair(21, fails=True))
        tally = run(tmp_path / "two", pairs, ProcessEngine(2))
        assert (tally.new, tally.unreadable) == (9, 2)
        assert_same(tmp_path / "one", tmp_path / "two")
        reasons = read_unreadable(tmp_path / "two")
        assert reasons["synthetic/0020"] == "2 workers died on this clip (out of memory?)"
        assert reasons["synthetic/0021"] == "clip 21 is broken"
        assert verify(tmp_path / "two", deep=True).problems == ()

    def test_a_bug_in_a_worker_is_raised_with_its_traceback(self, tmp_path):
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            run(tmp_path / "s", [SyntheticPair(0)], ProcessEngine(1), Recipe(failing_model))

    def test_workers_that_cannot_load_are_not_restarted_forever(self, tmp_path):
        with pytest.raises(InputError, match="fewer --workers"):
            run(tmp_path / "s", [SyntheticPair(0)], ProcessEngine(1), Recipe(dying_model))
