"""VGG-SS as a class: which clips count."""

from __future__ import annotations

import pytest
import torch

from seac.core.errors import InputError
from seac.metrics.vggss import VGGSS

HEATMAPS = torch.ones(3, 2, 2)
TRUTH = torch.tensor([[[1, 1], [1, 1]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]).bool()


def test_clips_count_by_their_truth_or_as_given() -> None:
    by_truth, given = VGGSS(), VGGSS()
    by_truth.update(HEATMAPS, TRUTH)
    given.update(HEATMAPS, TRUTH, torch.tensor([True, True, False]))
    assert (by_truth.compute()["ciou"], given.compute()["ciou"]) == (1.0, 0.5)
    assert given.positive_ciou().tolist() == [1.0, 0.0]


@pytest.mark.parametrize("positive", [torch.tensor([True]), torch.tensor([1, 1, 0])])
def test_positives_are_a_boolean_per_clip(positive: torch.Tensor) -> None:
    with pytest.raises(InputError, match="positive"):
        VGGSS().update(HEATMAPS, TRUTH, positive)


def test_wrong_settings_are_refused_at_once() -> None:
    with pytest.raises(InputError):
        VGGSS(threshold=-1)
