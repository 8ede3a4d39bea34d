"""AVSBench-semantic as a class: lengths of clips."""

from __future__ import annotations

import pytest

from seac.core.errors import InputError
from seac.metrics.avsbench_semantic import AVSBenchSemantic
from seac.metrics.functional import avsbench_semantic
from tests.metrics.functional.test_avsbench_semantic import C, scene
from tests.metrics.test_states import assert_same


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_clips_that_lack_frames_are_refused_at_the_end() -> None:
    metric = AVSBenchSemantic(num_classes=C)
    metric.update(*scene(7))
    with pytest.raises(InputError, match="7 frames are not whole clips of 10"):
        metric.compute()


def test_lengths_of_short_clips_may_come_with_each_portion() -> None:
    labels, target = scene(30)
    metric = AVSBenchSemantic(num_classes=C)
    metric.update(labels[:10], target[:10])
    metric.update(labels[10:], target[10:], clip_lengths=[5] * 4)
    wanted = avsbench_semantic(labels, target, num_classes=C, clip_lengths=[10, 5, 5, 5, 5])
    assert_same(metric.compute(), wanted)


@pytest.mark.parametrize(
    "settings",
    [{"num_classes": 0}, {"num_classes": 2, "frames_per_clip": 0}, {"num_classes": 2, "protocol": "best"}],
)
def test_wrong_settings_are_refused_at_once(settings: dict) -> None:
    with pytest.raises(InputError):
        AVSBenchSemantic(**settings)
