"""Record of a model and its settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from seac.pipeline import SeAC
from seac.presets.spec import ModelSpec


def model_record(spec: ModelSpec, model: SeAC) -> dict[str, Any]:
    """Spec, versions and settings of a model that determine its predictions, as builtin types.

    Paths are left out: the versions of weights and the constants of the calibration identify the files.
    """
    record = spec.record()
    return {
        **{name: record[name] for name in ("preset", "parts", "device")},
        "weights": model.stages.versions(),
        "constants": json.loads(json.dumps(asdict(model.settings))),
        "calibration": asdict(model.stages.calibration),
        "vocabulary": model.vocabulary.version,
    }
