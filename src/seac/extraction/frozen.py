"""Loads the frozen stages of a preset, which extraction runs. Text encoder and association are not loaded.

Extraction precedes training, so the preset's association may not exist yet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from seac.classify.vocabulary import default_vocabulary
from seac.decision.calibration import Calibration
from seac.pipeline import SeAC
from seac.presets.load import Assembly
from seac.presets.spec import ModelSpec
from seac.stages import Stages
from seac.weights.cache import ProgressFactory


def load_frozen(
    spec: ModelSpec, *, device: str | None = None, progress: ProgressFactory | None = None
) -> SeAC:
    """Load a model with the segmenter and the image and audio encoders only.

    Args:
        spec: which one; its association, text encoder, classifier and vocabulary are of no use here.
        device: another than the spec's; the spec's own if None.
        progress: as for :func:`seac.load`.

    Raises:
        InputError: a device or weights that are missing, or a grid of which cells are left out.
    """
    assembly = Assembly(spec if device is None else replace(spec, device=device), progress)
    stages = Stages(
        segmenter=assembly.segmenter(),
        vision=assembly.part("vision"),
        audio=assembly.part("audio"),
        text=_ABSENT,
        association=_ABSENT,
        to_text_space=_ABSENT,
        classifier=_ABSENT,
        sounding_head=_ABSENT,
        calibration=Calibration.load(),
    )
    return SeAC(stages, default_vocabulary(), assembly.settings)


class _Absent:
    """Placeholder of a part that extraction does not load; any call raises RuntimeError."""

    def __call__(self, *args: object) -> NoReturn:
        raise RuntimeError("only the frozen stages of this model are loaded")

    means = __call__


_ABSENT: Any = _Absent()
