"""Robustness as a class: reference frames."""

from __future__ import annotations

import pytest
import torch

from seac.core.errors import InputError
from seac.metrics.robustness import Robustness


def test_reference_frames_enter_the_auroc_only() -> None:
    metric = Robustness(threshold=0.5)
    no, yes = torch.tensor([False]), torch.tensor([True])
    metric.update(torch.ones(1, 2, 2), torch.tensor([0.9]), yes, yes)
    metric.update(torch.ones(1, 2, 2), torch.tensor([0.8]), no, yes)  # its pixels do not count
    metric.update(torch.zeros(1, 2, 2), torch.tensor([0.9]), no)
    assert metric.compute() == {"fpr_pixels": 0.0, "fpr_frames": 0.0, "auroc": 0.75}


def test_wrong_settings_are_refused_at_once() -> None:
    with pytest.raises(InputError):
        Robustness(threshold=2)
