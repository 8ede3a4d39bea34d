"""``seac.load``: build a model from a :class:`~seac.presets.spec.ModelSpec`; each part is built once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from seac.associate.trained import Trained, TrainedAssociationWeights
from seac.associate.trained import read as read_association
from seac.classify.vocabulary import Vocabulary, default_vocabulary, parse, vocabulary_of
from seac.core.errors import InputError
from seac.core.registry import imported, rows
from seac.decision.calibration import Calibration
from seac.decision.calibration_file import beside, read
from seac.decision.trained_head import TrainedHeadWeights, TrainedSoundingHead
from seac.decision.trained_head import beside as head_beside
from seac.decision.trained_head import read as read_head
from seac.pipeline import SeAC
from seac.presets.spec import ModelSpec, checked_threshold, spec_of
from seac.presets.table import PARTS, SHARED, part_class
from seac.segment.base import Segmenter
from seac.segment.baselines.grid import Grid
from seac.stages import Stages
from seac.weights import Weights
from seac.weights.cache import ProgressFactory

METHOD = "association_method"
HEAD, TRAINED = "sounding_head", "trained"
LEARNED = "sounding-head"
"""Row of the shipped calibrations for the learned sounding head."""


def load(
    preset: str | ModelSpec = "tiny", *, progress: ProgressFactory | None = None, **options: Any
) -> SeAC:
    """Load a model.

    Args:
        preset: "tiny" (offline, CPU), another of :func:`seac.list_presets`, or a spec.
        progress: makes the progress callback of a downloaded file (:class:`seac.weights.cache.Weights`); None
            shows no progress.
        options: changes to the preset or spec:

            - ``device``: "cpu", "cuda", "cuda:1", "mps".
            - ``vocabulary``: class names, as a list, "dog,piano" or a text file.
            - ``threshold``: minimum probability of a sounding mask; calibrated if None.
            - ``with_players``: whether a person who touches a sounding instrument sounds as it does.
            - ``segmenter``, ``detector``, ``vision``, ``audio``, ``text``, ``association_method``,
              ``classifier``, ``sounding_head``: swap a part (:func:`seac.list_parts`).
            - ``association_weights``: a folder or file that ``seac train`` wrote; a sounding head beside it
              is used too, unless the preset decides as the paper does or ``sounding_head`` names another.
            - ``calibration``: a file that ``seac calibrate`` wrote; if None, the one beside
              ``association_weights``, or the shipped one.
            - ``weights_dir``: folder of local weights, searched first.
            - fields of :class:`seac.settings.Settings` (``top_n=30, exact=True``).

    Raises:
        InputError: an unknown name, an unavailable device, an invalid vocabulary, or an association that is
            invalid or was trained on other features.
    """
    return Assembly(spec_of(preset, **options), progress).model()


class Assembly:
    """The parts of one model; each part is built once, on first use.

    Args:
        spec: specification of the model.
        progress: makes the progress callback of a downloaded file; None shows no progress.

    Raises:
        InputError: the device is not available.
    """

    def __init__(self, spec: ModelSpec, progress: ProgressFactory | None = None) -> None:
        self.spec = spec
        self.preset = spec.resolve()
        self.settings = spec.resolve_settings()
        self.device = checked_device(spec.device)
        weights = Weights(folder=spec.weights_dir)
        self.weights = weights if progress is None else replace(weights, progress=progress)
        self._built: dict[str, Any] = {}

    def part(self, kind: str) -> Any:
        """The part of a kind, or an object that parts share ("zero_shot", "class_heads").

        Raises:
            InputError: the model has no such part, or the part cannot be built or does not match the other
                parts.
        """
        if kind not in self._built:
            self._built[kind] = self._build(kind)
        return self._built[kind]

    def model(self) -> SeAC:
        """Build the model.

        Raises:
            InputError: parts do not match one another, or a file is invalid.
        """
        vocabulary, calibration = self.vocabulary(), self.calibration()
        segmenter = self.segmenter()
        association = self.part(METHOD)
        check_cells(association, segmenter)
        stages = Stages(
            segmenter=segmenter,
            vision=self.part("vision"),
            audio=self.part("audio"),
            text=self.part("text"),
            association=association,
            to_text_space=association.to_text_space,
            classifier=self.part("classifier"),
            sounding_head=self.part("sounding_head"),
            calibration=calibration,
        )
        return SeAC(stages, vocabulary, self.settings)

    @cached_property
    def own_weights(self) -> TrainedAssociationWeights | None:
        """User-trained association weights, if the spec names them."""
        path = self.spec.association_weights
        return None if path is None else read_association(path)

    @cached_property
    def own_head(self) -> TrainedHeadWeights | None:
        """The user-trained sounding head beside the association, if the model has one and uses it.

        Raises:
            InputError: the spec asks for it and there is none, or the file is invalid.
        """
        association, asked = self.spec.association_weights, self.spec.parts.get(HEAD)
        if association is None or not (self.preset.trained_head if asked is None else asked == TRAINED):
            return None
        file = head_beside(association)
        if file is None and asked is not None:
            raise InputError(
                f"{association}: has no sounding head beside it: run seac train with --sounding-head"
            )
        return None if file is None else read_head(file)

    def segmenter(self) -> Segmenter:
        """The segmenter, after a check that the settings keep all of its grid locations.

        Raises:
            InputError: ``top_n`` is less than the number of grid locations, which have no order.
        """
        segmenter: Segmenter = self.part("segmenter")
        top_n = self.settings.top_n
        if isinstance(segmenter, Grid) and top_n < (cells := segmenter.cells):
            raise InputError(f"the grid has {cells} cells, not {top_n}: pass --top-n {cells}")
        return segmenter

    def vocabulary(self) -> Vocabulary:
        """The class names of the spec."""
        return vocabulary_from(self.spec.vocabulary)

    def calibration(self) -> Calibration:
        """Constants of the decision: from a file, the folder of the association, or those of the head."""
        own = self.spec.association_weights
        file = self.spec.calibration or (None if own is None else beside(own))
        if file is None and self.own_head is not None:
            return with_threshold(self.own_head.calibration, self.spec.threshold)
        absolute = self.part("sounding_head").absolute
        method = LEARNED if absolute else self.preset.association_method if own is None else "zero-shot"
        return replace(calibrated(self.spec.threshold, method, file), noise_gate=not absolute)

    def _build(self, kind: str) -> Any:
        if kind in SHARED:
            make: Callable[[Context], Any] = imported(SHARED[kind])
            return make(Context(self, kind))
        if kind == HEAD and self.own_head is not None:
            assert self.own_weights is not None
            return TrainedSoundingHead.from_weights(self.own_head, self.own_weights.sha256)
        if kind == METHOD and self.own_weights is not None:
            return Trained.from_weights(self.own_weights, Context(self, self.preset.association_method))
        name = getattr(self.preset, kind)
        if name is None:
            choices = ", ".join(rows(kind, PARTS[kind]))
            raise InputError(
                f"{self.preset.segmenter} is prompted with boxes: pass --{kind}, one of {choices}"
            )
        found = part_class(kind, name)
        if not hasattr(found, "from_context"):
            raise InputError(f"{kind} {name!r}: {found!r} has no from_context(context), see CONTRIBUTING.md")
        return found.from_context(Context(self, name))


@dataclass(frozen=True)
class Context:
    """Context of a part; a :class:`~seac.core.context.PartContext`."""

    assembly: Assembly
    name: str

    @property
    def device(self) -> str:
        """Device of the networks."""
        return self.assembly.device

    def weights(self, name: str) -> Path:
        """The file or folder of the weights called ``name``."""
        return self.assembly.weights(name)

    def part(self, kind: str) -> Any:
        """Another part of the same model."""
        return self.assembly.part(kind)


def check_cells(association: object, segmenter: Segmenter) -> None:
    """Check that association and segmenter both use grid locations, or both use masks.

    Raises:
        InputError: one of them uses grid locations and the other uses masks.
    """
    if not isinstance(association, Trained):
        return
    is_grid = association.config.variant == "grid"
    if is_grid != isinstance(segmenter, Grid):
        remedy = "pass --segmenter grid --top-n 81" if is_grid else "use another segmenter"
        raise InputError(
            f"this association was trained on {'cells of a grid' if is_grid else 'masks'}: {remedy}"
        )


def vocabulary_from(given: Sequence[str] | str | os.PathLike[str] | None) -> Vocabulary:
    """The vocabulary from names, a string or a file; the default vocabulary if None."""
    if given is None:
        return default_vocabulary()
    if isinstance(given, (str, os.PathLike)):
        return parse(given)
    return vocabulary_of(list(given), "the vocabulary")


def checked_device(device: str) -> str:
    """Check that ``device`` is available and return it.

    Raises:
        InputError: the device is not available.
    """
    asked = torch.device(device)
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (asked.index or 0) >= there.get(asked.type, 0):
        raise InputError(f"device {device!r} is not available here: use cpu")
    return device


def calibrated(
    threshold: float | None, association: str = "zero-shot", file: str | os.PathLike[str] | None = None
) -> Calibration:
    """The calibration of a file or the shipped one, with another threshold if one is given.

    Raises:
        InputError: the threshold is outside [0, 1], or the file holds no calibration.
    """
    return with_threshold(Calibration.load(association) if file is None else read(file), threshold)


def with_threshold(constants: Calibration, threshold: float | None) -> Calibration:
    """The constants with another threshold, if one is given.

    Raises:
        InputError: the threshold is outside [0, 1].
    """
    return constants if threshold is None else replace(constants, threshold=checked_threshold(threshold))
