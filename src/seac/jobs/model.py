"""What decided a job's answers, for the record."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from seac.pipeline import SeAC
from seac.presets.spec import ModelSpec


def model_record(spec: ModelSpec, model: SeAC) -> dict[str, Any]:
    """All of a model that decides its answers, as plain values: what was asked for, and what came of it.

    Paths are left out: versions of weights and the calibration's constants stand for what was in the files.
    """
    record = spec.record()
    return {
        **{name: record[name] for name in ("preset", "parts", "device")},
        "weights": model.stages.versions(),
        "constants": json.loads(json.dumps(asdict(model.settings))),
        "calibration": asdict(model.stages.calibration),
        "vocabulary": model.vocabulary.version,
    }
