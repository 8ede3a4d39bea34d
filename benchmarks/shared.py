"""What the shared folder offers to recipes and benchmarks: where it is, and its renderer of composites."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any


def shared_folder() -> Path:
    """SEAC_SHARED, or ``shared`` beside the checkout."""
    return Path(os.environ.get("SEAC_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def renderer(shared: Path) -> Any:
    """The shared folder's bench builder, as a module."""
    spec = importlib.util.spec_from_file_location("build_bench", shared / "tools/build_bench.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"error: no tools/build_bench.py in {shared}: set SEAC_SHARED")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
