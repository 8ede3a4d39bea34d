"""Conversion of results to ``supervision.Detections``."""

from __future__ import annotations

from typing import Any

import numpy as np

from seac.core.errors import InputError
from seac.core.result import FrameResult


def to_detections(result: FrameResult, *, only_sounding: bool = True) -> Any:
    """Convert a result to detections: masks, boxes, classes and track ids.

    The confidence is the probability that the mask sounds.

    Raises:
        InputError: supervision is not installed.
    """
    try:
        import supervision
    except ImportError:
        raise InputError("supervision is not installed: pip install 'seac[detections]'") from None
    rows = np.flatnonzero(result.sounding) if only_sounding else np.arange(len(result))
    if len(rows) == 0:
        return supervision.Detections.empty()
    return supervision.Detections(
        xyxy=result.boxes[rows],
        mask=result.masks[rows],
        confidence=result.probability[rows],
        class_id=result.classes[rows],
        tracker_id=result.ids[rows],
        data={
            "class_name": np.array([result.names[row] for row in rows]),
            "similarity": result.similarity[rows],
        },
    )
