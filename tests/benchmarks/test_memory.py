"""The memory benchmark reports peak memory after each step of SAM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.memory import measure
from tests.fixtures import checkpoints


def test_every_step_is_reported_and_the_peak_never_falls(tmp_path: Path) -> None:
    pytest.importorskip("segment_anything")
    path = tmp_path / "sam_vit_b.pth"
    torch.save(checkpoints.reference_sam().state_dict(), path)
    steps = measure(path, "bfloat16", 3, "96x64")
    peaks = [figures["peak"] for figures in steps.values()]
    assert len(steps) == 4
    assert peaks == sorted(peaks)
    assert all(figures["seconds"] >= 0 for figures in steps.values())


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="this system has no VmHWM")
def test_a_process_does_not_report_the_memory_of_its_parent() -> None:
    held = b"x" * 400_000_000
    figures = "from seac.profiling.memory import peak_memory; print(peak_memory())"
    output = subprocess.run([sys.executable, "-c", figures], check=True, capture_output=True, text=True)
    assert 0 < int(output.stdout) < len(held) / 2
