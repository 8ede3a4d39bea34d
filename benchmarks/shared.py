"""Folder of golden metrics, photographs and models for some benchmarks."""

from __future__ import annotations

import os
from pathlib import Path


def shared_folder() -> Path:
    """SEAC_SHARED, or ``shared`` beside the checkout."""
    return Path(os.environ.get("SEAC_SHARED", Path(__file__).resolve().parents[2] / "shared"))
