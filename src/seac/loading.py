"""``seac.load``: from the name of a preset to a model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from seac.associate.gate import Calibration
from seac.associate.trained import Trained
from seac.classify.vocabulary import Vocabulary, default_vocabulary, parse, vocabulary_of
from seac.errors import InputError
from seac.pipeline import SeAC, Settings, Stages
from seac.presets import builder, checked_settings, choose


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
    **settings: Any,
) -> SeAC:
    """A model that is ready to see and hear.

    Args:
        preset: "tiny" (offline, CPU), or another row of :data:`seac.presets.PRESETS`.
        device: "cpu", "cuda", "cuda:1", "mps".
        vocabulary: class names, as a list, "dog,piano" or a text file; common sounding things if None.
        threshold: least probability at which a mask sounds; calibrated if None.
        segmenter: swaps a part; see :data:`seac.presets.PARTS`, as for the next four.
        vision: swaps the vision encoder.
        audio: swaps the audio encoder.
        text: swaps the text encoder.
        associate: swaps the association.
        association: a folder or file that ``seac train`` wrote, in place of the shipped weights.
        settings: fields of :class:`seac.pipeline.Settings` (``top_n=30, exact=True``).

    Raises:
        InputError: a name that is in no table, a device that is not there, a vocabulary that is none, an
            association that is none or that was trained on other features.
    """
    chosen = choose(preset, segmenter=segmenter, vision=vision, audio=audio, text=text, associate=associate)
    constants = Settings(**checked_settings(Settings, {**chosen.settings, **settings}))
    words = vocabulary_from(vocabulary)
    device = checked_device(device)
    calibration = calibrated(threshold)
    stages: dict[str, Any] = {
        stage: builder(stage, getattr(chosen, stage))(device)
        for stage in ("segmenter", "vision", "audio", "text")
    }
    trained_here = association is not None and chosen.associate == "trained"
    judge = builder("associate", "zero-shot" if trained_here else chosen.associate)(
        device, stages["vision"], stages["audio"], stages["text"]
    )
    if association is not None:
        judge = Trained.load(association, device, words=judge).checked(stages["vision"], stages["audio"])
    return SeAC(
        Stages(**stages, association=judge, place=judge.place_masks, calibration=calibration),
        words,
        constants,
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
        kind = torch.device(device).type
    except RuntimeError:
        raise InputError(f"unknown device {device!r}: choose from cpu, cuda, cuda:1, mps") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(kind, False):
        raise InputError(f"device {device!r} is not available here: use cpu")
    return device


def calibrated(threshold: float | None) -> Calibration:
    """The shipped calibration, at another threshold if one is given.

    Raises:
        InputError: a threshold outside [0, 1].
    """
    shipped = Calibration.load()
    if threshold is None:
        return shipped
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold is {threshold:g}: give a probability from 0 to 1")
    return replace(shipped, threshold=threshold)
