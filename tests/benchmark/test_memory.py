"""What memory is told after each step of SAM's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.memory import measure
from tests import checkpoints


def test_every_step_is_told_and_the_peak_never_falls(tmp_path: Path) -> None:
    pytest.importorskip("segment_anything")
    path = tmp_path / "sam_vit_b.pth"
    torch.save(checkpoints.plain_sam().state_dict(), path)
    steps = measure(path, "bfloat16", 3, "96x64")
    peaks = [told["peak"] for told in steps.values()]
    assert len(steps) == 4
    assert peaks == sorted(peaks)
    assert all(told["seconds"] >= 0 for told in steps.values())
