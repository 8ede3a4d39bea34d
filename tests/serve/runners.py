"""Runners for worker processes of tests, with the model of :mod:`tests.fixtures.parts`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seac.presets.spec import ModelSpec
from seac.serve.runner import ModelRunner
from seac.serve.worker import Report
from tests.fixtures.parts import synthetic_model

SYNTHETIC = f"{__name__}:SyntheticRunner"
SLOW = f"{__name__}:SlowRunner"


class SyntheticRunner(ModelRunner):
    """Real results of a model without networks."""

    def __init__(self, model: ModelSpec) -> None:
        self._spec, self._model = model, synthetic_model()


class SlowRunner(SyntheticRunner):
    """The same, after a second in which it can be cancelled, or the server killed."""

    seconds = 1.0

    def segment(self, source: Path, out: Path, settings: Mapping[str, Any], report: Report) -> None:
        (out / "half-written.txt").write_text("half")
        steps = round(self.seconds / 0.02)
        for step in range(steps):
            time.sleep(0.02)
            report({"stage": "segment", "done": step, "total": steps})
        super().segment(source, out, settings, report)
