"""``seac.load``: from the name of a preset to a model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from seac.associate import ensemble
from seac.associate.model import AssociationConfig
from seac.associate.trained import FILE, Trained, TrainedAssociationWeights
from seac.associate.trained import read as read_association
from seac.classify.vocabulary import Vocabulary, default_vocabulary, parse, vocabulary_of
from seac.core.errors import InputError
from seac.decision.calibration import Calibration
from seac.decision.calibration_file import beside, read
from seac.pipeline import SeAC
from seac.presets.builders import zero_shot_association
from seac.presets.table import PARTS, Preset, accepted, builder, checked_settings, choose
from seac.segment.base import Segmenter
from seac.segment.baselines.grid import Grid
from seac.settings import Settings
from seac.stages import Stages
from seac.weights import Weights
from seac.weights.progress import bar


def load(
    preset: str = "tiny",
    *,
    device: str = "cpu",
    vocabulary: Sequence[str] | str | os.PathLike[str] | None = None,
    threshold: float | None = None,
    segmenter: str | None = None,
    vision: str | None = None,
    audio: str | None = None,
    text: str | None = None,
    associate: str | None = None,
    association: str | os.PathLike[str] | None = None,
    calibration: str | os.PathLike[str] | None = None,
    detector: str | None = None,
    classifier: str | None = None,
    weights_dir: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> SeAC:
    """A model that is ready to see and hear.

    Args:
        preset: "tiny" (offline, CPU), or another row of :data:`seac.presets.table.PRESETS`.
        device: "cpu", "cuda", "cuda:1", "mps".
        vocabulary: class names, as a list, "dog,piano" or a text file; common sounding things if None.
        threshold: least probability at which a mask sounds; calibrated if None.
        segmenter: swaps a part; see :data:`seac.presets.table.PARTS`, as for the next four.
        vision: swaps the vision encoder.
        audio: swaps the audio encoder.
        text: swaps the text encoder.
        associate: swaps the association.
        association: a folder or file that ``seac train`` wrote, in place of the shipped weights.
        calibration: a file that ``seac calibrate`` wrote; if None, the one beside ``association``, or what
            ships.
        detector: swaps what finds boxes, for segmenters that are prompted with boxes.
        classifier: swaps what names masks that sound.
        weights_dir: folder of weights of one's own, searched before the cache and the public homes.
        settings: fields of :class:`seac.settings.Settings` (``top_n=30, exact=True``).

    Raises:
        InputError: a name that is in no table, a device that is not there, a vocabulary that is none, an
            association that is none or that was trained on other features.
    """
    chosen = choose(
        preset,
        segmenter=segmenter,
        vision=vision,
        audio=audio,
        text=text,
        associate=associate,
        detector=detector,
        classifier=classifier,
    )
    constants = Settings(**checked_settings(Settings, {**chosen.settings, **settings}))
    names = vocabulary_from(vocabulary)
    device = checked_device(device)
    trained_weights = None if association is None else read_association(association)
    fused = trained_weights is None or is_fused(trained_weights, chosen.associate)
    if association is not None and not is_shipped(association):
        calibration = calibration or beside(association)
    decision = calibrated(threshold, chosen.associate if fused else "zero-shot", calibration)
    weights = Weights(folder=Path(weights_dir) if weights_dir else None, progress=bar)
    stages: dict[str, Any] = {"segmenter": segmenter_of(chosen, device, weights)} | {
        stage: builder(stage, getattr(chosen, stage), weights)(device)
        for stage in ("vision", "audio", "text")
    }
    check_grid(stages["segmenter"], constants.top_n)
    parts = device, stages["vision"], stages["audio"], stages["text"]
    associator: Any
    build = builder("associate", chosen.associate, weights)
    if trained_weights is None:
        associator = build(*parts)
    else:
        associator = (
            build(*parts, trained_weights=trained_weights)
            if fused
            else Trained(trained_weights, device, zero_shot_association(*parts)).checked(*parts[1:3])
        )
        check_variant(associator.config, stages["segmenter"])
    return SeAC(
        Stages(
            **stages,
            association=associator,
            to_text_space=associator.to_text_space,
            classifier=builder("classifier", chosen.classifier, weights)(
                *parts[1:], associator.to_text_space
            ),
            calibration=decision,
        ),
        names,
        constants,
    )


def segmenter_of(chosen: Preset, device: str, weights: Weights | None = None) -> Segmenter:
    """Stage 1 of a preset: its segmenter, with its detector where it is prompted with boxes.

    Raises:
        InputError: it needs a detector and the preset has none, or weights are missing.
    """
    build = builder("segmenter", chosen.segmenter, weights)
    segmenter: Segmenter
    if "detector" not in accepted(build):
        segmenter = build(device)
        return segmenter
    if chosen.detector is None:
        choices = ", ".join(PARTS["detector"])
        raise InputError(f"{chosen.segmenter} is prompted with boxes: say --detector, one of {choices}")
    segmenter = build(device, detector=builder("detector", chosen.detector, weights)(device))
    return segmenter


def check_grid(segmenter: Segmenter, top_n: int) -> None:
    """Cells of a grid have no order, so all of them are judged or none.

    Raises:
        InputError: fewer are asked for.
    """
    if isinstance(segmenter, Grid) and top_n < segmenter.cells:
        raise InputError(f"the grid has {segmenter.cells} cells, not {top_n}: say --top-n {segmenter.cells}")


def is_fused(weights: TrainedAssociationWeights, associate: str) -> bool:
    """Whether a trained module takes the place of the shipped one in the ensemble of a row of ``PARTS``."""
    return ensemble.accepts(weights) and "trained_weights" in accepted(builder("associate", associate))


def is_shipped(association: str | os.PathLike[str]) -> bool:
    """Whether a path is the file that ships, beside which lies no calibration of its own."""
    return Path(association).resolve() == (Path(ensemble.__file__).parents[1] / "assets" / FILE).resolve()


def check_variant(config: AssociationConfig, segmenter: Segmenter) -> None:
    """Refuse masks for an association that was trained on cells of a grid, and the other way round.

    Raises:
        InputError: that is the case.
    """
    is_grid = config.variant == "grid"
    if is_grid != isinstance(segmenter, Grid):
        remedy = "say --segmenter grid --top-n 81" if is_grid else "take another segmenter"
        raise InputError(
            f"this association was trained on {'cells of a grid' if is_grid else 'masks'}: {remedy}"
        )


def vocabulary_from(given: Sequence[str] | str | os.PathLike[str] | None) -> Vocabulary:
    """The vocabulary that a user means."""
    if given is None:
        return default_vocabulary()
    if isinstance(given, (str, os.PathLike)):
        return parse(given)
    return vocabulary_of(list(given), "the vocabulary")


def checked_device(device: str) -> str:
    """``device``, once it is there.

    Raises:
        InputError: it is not.
    """
    try:
        asked = torch.device(device)
    except RuntimeError:
        raise InputError(f"unknown device {device!r}: choose from cpu, cuda, cuda:1, mps") from None
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (asked.index or 0) >= there.get(asked.type, 0):
        raise InputError(f"device {device!r} is not available here: use cpu")
    return device


def calibrated(
    threshold: float | None, association: str = "zero-shot", file: str | os.PathLike[str] | None = None
) -> Calibration:
    """The calibration in a file or else the shipped one, at another threshold if one is given.

    Raises:
        InputError: a threshold outside [0, 1], or a file that holds no calibration.
    """
    constants = Calibration.load(association) if file is None else read(file)
    if threshold is None:
        return constants
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold is {threshold:g}: give a probability from 0 to 1")
    return replace(constants, threshold=threshold)
