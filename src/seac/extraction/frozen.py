"""The frozen half of a preset: all that extraction runs. Text and association are neither needed nor loaded.

Extraction comes before training, so the preset's association may not be there yet.
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
    """A model that proposes, embeds and listens, and does nothing else.

    Args:
        preset: row of :data:`seac.presets.table.PRESETS`.
        device: "cpu", "cuda", "cuda:1", "mps".
        parts: stage to row of :data:`seac.presets.table.PARTS`, where another is wanted.
        constants: fields of :class:`seac.settings.Settings`.
        weights_dir: folder of weights of one's own, searched first.

    Raises:
        InputError: a name that is in no table, a device that is not there, weights that are missing.
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
    """In place of a part that extraction does not need."""

    def __call__(self, *given: object) -> NoReturn:
        raise RuntimeError("only the frozen half of this model was loaded")

    means = __call__


_ABSENT: Any = _Absent()
