"""The result of an evaluation, from which reports are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ERROR_TYPES = ("right", "no proposal", "lost", "wrong name", "wrong confidence")
"""Error types of a clip: no error; no proposal covers the object; a proposal does, but another mask is
active; the correct mask has a wrong class; the decision (active or inactive) is wrong."""


@dataclass(frozen=True)
class ClipScore:
    """Metrics of one method on one clip.

    Attributes:
        id: of the clip.
        category: its class, or None.
        scores: metrics by name, in [0, 1]: ``iou``, ``fscore``, ``ciou``, ``oracle`` (best union of masks),
            ``confidence`` (a raw cosine).
        attribution: one of :data:`ERROR_TYPES`, or None if masks are unknown (external predictions).
        frame: the file of the clip's middle frame, relative to the benchmark's folder.
        audio: the file of its audio, relative to the benchmark's folder.
    """

    id: str
    category: str | None
    scores: Mapping[str, float]
    attribution: str | None
    frame: str
    audio: str


@dataclass(frozen=True)
class Curve:
    """A curve for a plot; ``x`` and ``y`` of equal length."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    x_label: str
    y_label: str


@dataclass(frozen=True)
class MethodResult:
    """One row of the table: a model, a folder of predictions or a baseline.

    Attributes:
        name: "tiny", "whole image", ...
        protocols: metrics by protocol and name: ``{"official": {"miou": .5, "fscore": .6}, "dataset": ...}``.
        per_class: metrics by class and name, in the benchmark's corrected protocol.
        curves: by name ("precision-recall", "ciou").
        clips: metrics of every clip.
    """

    name: str
    protocols: Mapping[str, Mapping[str, float]]
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    clips: tuple[ClipScore, ...] = ()

    def attribution(self) -> dict[str, int]:
        """Clips by error type, in the order of :data:`ERROR_TYPES`; empty if unknown."""
        known = [clip.attribution for clip in self.clips if clip.attribution is not None]
        return {name: known.count(name) for name in ERROR_TYPES} if known else {}


@dataclass(frozen=True)
class Leakage:
    """Overlap of the evaluated clips with a training list.

    Attributes:
        listed: ids in the list.
        by_clip: clips whose id is in it.
        by_video: clips whose video is in it (those of ``by_clip`` among them).
        dropped: clips left out of the evaluation.
    """

    listed: int
    by_clip: tuple[str, ...]
    by_video: tuple[str, ...]
    dropped: int


@dataclass(frozen=True)
class Evaluation:
    """Results of one or more methods on a benchmark, the evaluated method first.

    Attributes:
        benchmark: name of the command line (``s4``).
        n: clips scored.
        frames: frames scored.
        methods: rows, the evaluated method first.
        settings: all settings that determine the metrics, as builtin types; with machine and versions.
        note: description of the protocols of this benchmark.
        missing: ids of clips without prediction (allowed by ``--allow-missing``).
        leakage: overlap with a training list, if one is known.
        seconds: wall time by step: ``{"scoring": .., "predicting": ..}``.
    """

    benchmark: str
    n: int
    frames: int
    methods: tuple[MethodResult, ...]
    settings: Mapping[str, Any]
    note: str = ""
    missing: tuple[str, ...] = ()
    leakage: Leakage | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
