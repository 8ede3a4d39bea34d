"""Loads the frozen stages of a preset, which extraction runs. Text encoder and association are not loaded.

Extraction precedes training, so the preset's association may not exist yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from seac.classify.vocabulary import default_vocabulary
from seac.decision.calibration import Calibration
from seac.pipeline import SeAC
from seac.presets.load import checked_device, segmenter_of
from seac.presets.table import builder, checked_settings, choose
from seac.settings import Settings
from seac.stages import Stages
from seac.weights import Weights
from seac.weights.progress import bar


def load_frozen(
    preset: str,
    *,
    device: str = "cpu",
    parts: Mapping[str, str] | None = None,
    constants: Mapping[str, Any] | None = None,
    weights_dir: Path | None = None,
) -> SeAC:
    """Load a model with the segmenter and the image and audio encoders only.

    Args:
        preset: row of :data:`seac.presets.table.PRESETS`.
        device: "cpu", "cuda", "cuda:1", "mps".
        parts: stage to row of :data:`seac.presets.table.PARTS`, where another is wanted.
        constants: fields of :class:`seac.settings.Settings`.
        weights_dir: folder of weights of one's own, searched first.

    Raises:
        InputError: an unknown name, an unavailable device, or missing weights.
    """
    chosen = choose(preset, **(parts or {}))
    settings = Settings(**checked_settings(Settings, {**chosen.settings, **(constants or {})}))
    device = checked_device(device)
    weights = Weights(folder=weights_dir, progress=bar)
    stages = Stages(
        segmenter=segmenter_of(chosen, device, weights),
        vision=builder("vision", chosen.vision, weights)(device),
        audio=builder("audio", chosen.audio, weights)(device),
        text=_ABSENT,
        association=_ABSENT,
        to_text_space=_ABSENT,
        classifier=_ABSENT,
        calibration=Calibration.load(),
    )
    return SeAC(stages, default_vocabulary(), settings)


class _Absent:
    """Placeholder of a part that extraction does not load; any call raises RuntimeError."""

    def __call__(self, *args: object) -> NoReturn:
        raise RuntimeError("only the frozen stages of this model are loaded")

    means = __call__


_ABSENT: Any = _Absent()
