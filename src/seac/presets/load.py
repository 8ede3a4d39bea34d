"""``seac.load``: from a :class:`~seac.presets.spec.ModelSpec` to a model, each part built once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from seac.associate.ensemble import AssociationEnsemble, accepts
from seac.associate.trained import Trained, TrainedAssociationWeights, is_shipped
from seac.associate.trained import read as read_association
from seac.classify.vocabulary import Vocabulary, default_vocabulary, parse, vocabulary_of
from seac.core.errors import InputError
from seac.core.registry import imported, rows
from seac.decision.calibration import Calibration
from seac.decision.calibration_file import beside, read
from seac.pipeline import SeAC
from seac.presets.spec import ModelSpec, checked_threshold, spec_of
from seac.presets.table import PARTS, SHARED, part_class
from seac.segment.base import Segmenter
from seac.segment.baselines.grid import Grid
from seac.stages import Stages
from seac.weights import Weights
from seac.weights.cache import ProgressFactory

METHOD = "association_method"


def load(
    preset: str | ModelSpec = "tiny", *, progress: ProgressFactory | None = None, **options: Any
) -> SeAC:
    """A model that is ready to encode images and audio.

    Args:
        preset: "tiny" (offline, CPU), another of :func:`seac.list_presets`, or a spec.
        progress: gives the callback of a file that is being fetched (:class:`seac.weights.cache.Weights`); None
            fetches quietly.
        options: what differs from the preset or spec:

            - ``device``: "cpu", "cuda", "cuda:1", "mps".
            - ``vocabulary``: class names, as a list, "dog,piano" or a text file.
            - ``threshold``: least probability at which a mask sounds; calibrated if None.
            - ``segmenter``, ``detector``, ``vision``, ``audio``, ``text``, ``association_method``,
              ``classifier``: swap a part (:func:`seac.list_parts`).
            - ``association_weights``: a folder or file that ``seac train`` wrote.
            - ``calibration``: a file that ``seac calibrate`` wrote; if None, the one beside
              ``association_weights``, or what ships.
            - ``weights_dir``: folder of weights of one's own, searched first.
            - fields of :class:`seac.settings.Settings` (``top_n=30, exact=True``).

    Raises:
        InputError: a name that is in no table, a device that is not there, a vocabulary that is none, an
            association that is none or that was trained on other features.
    """
    return Assembly(spec_of(preset, **options), progress).model()


class Assembly:
    """The parts of one model, each built when it is first asked for, and once.

    Args:
        spec: which model.
        progress: gives the callback of a file that is being fetched; None fetches quietly.

    Raises:
        InputError: a device that is not there.
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
        """The part of a kind; what parts share ("zero_shot", "class_heads") too.

        Raises:
            InputError: the model has none, it cannot be built, or it does not fit the others.
        """
        if kind not in self._built:
            self._built[kind] = self._build(kind)
        return self._built[kind]

    def model(self) -> SeAC:
        """The whole model.

        Raises:
            InputError: parts that do not fit one another, or a file that is none.
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
            calibration=calibration,
        )
        return SeAC(stages, vocabulary, self.settings)

    @cached_property
    def own_weights(self) -> TrainedAssociationWeights | None:
        """The association of a user's own training, if the spec names one."""
        path = self.spec.association_weights
        return None if path is None else read_association(path)

    @property
    def is_fused(self) -> bool:
        """Whether own weights take the place of the shipped module in the preset's ensemble."""
        association = part_class(METHOD, self.preset.association_method)
        own = self.own_weights
        return own is not None and issubclass(association, AssociationEnsemble) and accepts(own)

    def segmenter(self) -> Segmenter:
        """Stage 1, once the settings take what it gives.

        Raises:
            InputError: a grid of which some cells would be left out: they have no order.
        """
        segmenter: Segmenter = self.part("segmenter")
        top_n = self.settings.top_n
        if isinstance(segmenter, Grid) and top_n < (cells := segmenter.cells):
            raise InputError(f"the grid has {cells} cells, not {top_n}: say --top-n {cells}")
        return segmenter

    def vocabulary(self) -> Vocabulary:
        """The class names of the spec."""
        return vocabulary_from(self.spec.vocabulary)

    def calibration(self) -> Calibration:
        """The decision's constants: of a file, of the association's folder, or those that ship."""
        own = self.spec.association_weights
        file = self.spec.calibration or (None if own is None or is_shipped(own) else beside(own))
        method = self.preset.association_method if self.own_weights is None or self.is_fused else "zero-shot"
        return calibrated(self.spec.threshold, method, file)

    def _build(self, kind: str) -> Any:
        if kind in SHARED:
            make: Callable[[Context], Any] = imported(SHARED[kind])
            return make(Context(self, kind))
        if kind == METHOD and self.own_weights is not None:
            association = part_class(kind, self.preset.association_method) if self.is_fused else Trained
            return association.from_weights(self.own_weights, Context(self, self.preset.association_method))
        name = getattr(self.preset, kind)
        if name is None:
            choices = ", ".join(rows(kind, PARTS[kind]))
            raise InputError(
                f"{self.preset.segmenter} is prompted with boxes: say --{kind}, one of {choices}"
            )
        found = part_class(kind, name)
        if not hasattr(found, "from_context"):
            raise InputError(f"{kind} {name!r}: {found!r} has no from_context(context), see CONTRIBUTING.md")
        return found.from_context(Context(self, name))


@dataclass(frozen=True)
class Context:
    """What a part is given; a :class:`~seac.core.context.PartContext`."""

    assembly: Assembly
    name: str

    @property
    def device(self) -> str:
        """Where networks run."""
        return self.assembly.device

    def weights(self, name: str) -> Path:
        """The file or folder of the weights called ``name``."""
        return self.assembly.weights(name)

    def part(self, kind: str) -> Any:
        """Another part of the same model."""
        return self.assembly.part(kind)


def check_cells(association: object, segmenter: Segmenter) -> None:
    """An association that was trained on cells judges cells, any other that was trained judges masks.

    Raises:
        InputError: that is the case.
    """
    if not isinstance(association, Trained | AssociationEnsemble):
        return
    is_grid = association.config.variant == "grid"
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
    asked = torch.device(device)
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
    return constants if threshold is None else replace(constants, threshold=checked_threshold(threshold))
