"""Tracking as a class: videos add up."""

from __future__ import annotations

import pytest
import torch

from seac.core.errors import InputError
from seac.metrics.functional.tracking import TrackedMasks, tracking
from seac.metrics.tracking import Tracking


def masks(*ids: int) -> TrackedMasks:
    return TrackedMasks(
        torch.tensor(ids), torch.eye(4, 4, dtype=torch.bool)[: len(ids), None].expand(-1, 2, -1)
    )


def test_one_video_has_the_metrics_of_the_function() -> None:
    truth, tracks = [masks(0, 1)] * 3, [masks(0, 1), masks(0, 1), masks(1, 0)]
    metric = Tracking(fps=1)
    metric.update(tracks, truth)
    assert metric.compute() == tracking(tracks, truth, 1)


def test_no_video_is_refused() -> None:
    with pytest.raises(InputError):
        Tracking(fps=1).compute()
