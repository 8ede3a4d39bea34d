"""AVSBench S4 and MS3 as a class: clips, batches and the curve."""

from __future__ import annotations

import pytest
import torch

from seac.core.errors import InputError
from seac.metrics.avsbench import AVSBench, AVSBenchFixed
from seac.metrics.functional import avsbench
from tests.metrics.functional.test_avsbench import scene


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_clips_that_lack_frames_are_refused_at_the_end() -> None:
    logits, masks = scene(7)
    metric = AVSBench()
    metric.update(logits, masks)
    with pytest.raises(InputError, match="7 frames are not whole clips of 5"):
        metric.compute()


def test_the_maximum_of_the_curve_is_the_f_of_the_data_set() -> None:
    logits, masks = scene(10)
    metric = AVSBench()
    metric.update(logits, masks)
    curves = metric.curve()
    assert {len(curve) for curve in curves.values()} == {255}
    assert float(curves["fscore"].max()) == pytest.approx(
        avsbench(logits, masks, clips_per_batch=None)["fscore"]
    )
    assert curves["recall"][0] == pytest.approx(1)
    assert (curves["recall"].diff() <= 1e-12).all()


def test_a_curve_without_truth_is_0() -> None:
    metric = AVSBench()
    metric.update(torch.zeros(5, 4, 4), torch.zeros(5, 4, 4, dtype=torch.bool))
    curves = metric.curve()
    assert all(float(curves[name].abs().max()) == 0 for name in ("precision", "recall", "fscore"))


@pytest.mark.parametrize("lengths", [[5, 1, 3, 2, 4], [1] * 8])
def test_without_a_length_of_clips_each_update_is_one_clip(lengths: list[int]) -> None:
    metric, batches, clips = AVSBench(frames_per_clip=None, clips_per_batch=4), [], []
    for seed, frames in enumerate(lengths):
        clips.append(scene(frames, seed))
        metric.update(*clips[-1])
    for first in range(0, len(clips), 4):
        logits, masks = (torch.cat(parts) for parts in zip(*clips[first : first + 4], strict=True))
        batches.append(avsbench(logits, masks, clips_per_batch=None))
    wanted = {name: sum(batch[name] for batch in batches) / len(batches) for name in ("miou", "fscore")}
    assert metric.compute()["official"] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    "settings",
    [{"clips_per_batch": 0}, {"frames_per_clip": 0}, {"frames_per_clip": 0, "clips_per_batch": None}],
)
def test_wrong_settings_are_refused_at_once(settings: dict[str, int | None]) -> None:
    with pytest.raises(InputError):
        AVSBench(**settings)
    with pytest.raises(InputError):
        AVSBenchFixed(threshold=2)
